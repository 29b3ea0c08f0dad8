from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.compare import compare, differences, digest, same_value
from mlstack.plan.model import ABSENT

MANAGER = "mlstack-a-b"
Fields = dict[str, Any]


def live(spec: Fields, owned: Fields | None, **more: Any) -> Fields:
    entries = [] if owned is None else [{"manager": MANAGER, "operation": "Apply", "fieldsV1": {"f:spec": owned}}]
    metadata = {"name": "x", "managedFields": entries, "resourceVersion": "7"}
    return {"apiVersion": "v1", "kind": "Thing", "metadata": metadata, "spec": spec, "status": {"n": 1}, **more}


def desired(spec: Fields) -> Fields:
    return {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": spec}


CONTAINER: Fields = {"f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:image": {}}}}
PORTS: Fields = {"f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}}}

SAME = [
    ("equal", {"a": 1}, {"a": 1}, {"f:a": {}}),
    ("defaulted field", {"a": 1}, {"a": 1, "b": 2}, {"f:a": {}}),
    ("defaulted field in a list item", {"containers": [{"name": "a", "image": "i"}]},
     {"containers": [{"name": "a", "image": "i", "imagePullPolicy": "Always"}]}, CONTAINER),
    ("another's item in our list", {"containers": [{"name": "a", "image": "i"}]},
     {"containers": [{"name": "sidecar"}, {"name": "a", "image": "i"}]}, CONTAINER),
    ("key with a default", {"ports": [{"containerPort": 80}]}, {"ports": [{"containerPort": 80, "protocol": "TCP"}]},
     PORTS),
    ("quantity", {"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, {"f:limits": {"f:cpu": {}}}),
    ("quantity as a number", {"limits": {"cpu": 1}}, {"limits": {"cpu": "1"}}, {"f:limits": {"f:cpu": {}}}),
    ("storage", {"storage": "1Gi"}, {"storage": "1024Mi"}, {"f:storage": {}}),
    ("null means absent", {"a": None}, {}, {}),
    ("empty means absent", {"a": [], "b": {}, "c": ""}, {}, {}),
    ("field of ours that is gone already", {"a": 1}, {"a": 1}, {"f:a": {}, "f:b": {}}),
    ("set", {"names": ["a"]}, {"names": ["b", "a"]}, {"f:names": {'v:"a"': {}}}),
    ("atomic list", {"args": ["a", "b"]}, {"args": ["a", "b"]}, {"f:args": {}}),
    ("what another removed and put back", {"m": {"x": "1"}}, {"m": {"x": "1", "y": "2"}}, {"f:m": {"f:x": {}}}),
]  # fmt: skip

CHANGED = [
    ("value", {"a": 1}, {"a": 2}, {"f:a": {}}, ("spec.a", 2, 1)),
    ("true is not 1", {"a": True}, {"a": 1}, {"f:a": {}}, ("spec.a", 1, True)),
    ("text is not a number", {"a": "1"}, {"a": 1}, {"f:a": {}}, ("spec.a", 1, "1")),
    ("missing", {"a": 1}, {}, {}, ("spec.a", ABSENT, 1)),
    ("removed by us", {}, {"a": 1}, {"f:a": {}}, ("spec.a", 1, ABSENT)),
    ("removed below", {"m": {"x": 1}}, {"m": {"x": 1, "y": 2}}, {"f:m": {"f:x": {}, "f:y": {}}},
     ("spec.m.y", 2, ABSENT)),
    ("item removed", {"containers": []}, {"containers": [{"name": "a", "image": "i"}]}, CONTAINER,
     ("spec.containers[a]", {"name": "a", "image": "i"}, ABSENT)),
    ("whole list removed", {}, {"containers": [{"name": "a", "image": "i"}]}, CONTAINER,
     ("spec.containers[a]", {"name": "a", "image": "i"}, ABSENT)),
    ("item added", {"containers": [{"name": "b"}]}, {"containers": []}, {"f:containers": {}},
     ("spec.containers", [], [{"name": "b"}])),
    ("item's field", {"containers": [{"name": "a", "image": "j"}]}, {"containers": [{"name": "a", "image": "i"}]},
     CONTAINER, ("spec.containers[a].image", "i", "j")),
    ("value of a set removed", {"names": []}, {"names": ["a", "b"]}, {"f:names": {'v:"a"': {}}},
     ("spec.names[a]", "a", ABSENT)),
    ("order of an atomic list", {"args": ["b", "a"]}, {"args": ["a", "b"]}, {"f:args": {}}, ("spec.args[0]", "a", "b")),
    ("shorter atomic list", {"args": ["a"]}, {"args": ["a", "b"]}, {"f:args": {}}, ("spec.args", ["a", "b"], ["a"])),
    ("a label is no quantity", {"labels": {"cpu": "1000m"}}, {"labels": {"cpu": "1"}}, {"f:labels": {"f:cpu": {}}},
     ("spec.labels.cpu", "1", "1000m")),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "there", "owned"), [case[1:] for case in SAME], ids=[case[0] for case in SAME])
def test_no_difference(spec: Fields, there: Fields, owned: Fields) -> None:
    verdict = compare(desired(spec), live(there, owned), MANAGER)
    assert (verdict.fields, verdict.doubts) == ([], [])


@pytest.mark.parametrize(
    ("spec", "there", "owned", "field"), [case[1:] for case in CHANGED], ids=[case[0] for case in CHANGED]
)
def test_difference(spec: Fields, there: Fields, owned: Fields, field: tuple[str, Any, Any]) -> None:
    (found, *_) = compare(desired(spec), live(there, owned), MANAGER).fields
    assert (found.path, found.before, found.after) == field
    assert type(found.after) is type(field[2])


DOUBTS: list[tuple[str, Fields, Fields, Fields | None, list[str]]] = [
    ("an atomic item with more than we say", {"tolerations": [{"key": "a"}]},
     {"tolerations": [{"key": "a", "effect": "NoSchedule"}]}, {"f:tolerations": {}}, ["spec.tolerations[0]"]),
    ("an atomic map with more than we say", {"nodeSelector": {"a": "1"}}, {"nodeSelector": {"a": "1", "b": "2"}},
     {"f:nodeSelector": {}}, ["spec.nodeSelector"]),
    ("false where nothing is", {"suspend": False}, {}, {}, ["spec.suspend"]),
    ("never applied by us", {"a": 1}, {"a": 1}, None, ["metadata.managedFields"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "there", "owned", "doubts"), [case[1:] for case in DOUBTS], ids=[case[0] for case in DOUBTS]
)
def test_doubt(spec: Fields, there: Fields, owned: Fields | None, doubts: list[str]) -> None:
    verdict = compare(desired(spec), live(there, owned), MANAGER)
    assert (verdict.fields, verdict.doubts) == ([], doubts)


@pytest.mark.parametrize(("spec", "there", "owned"), [case[1:4] for case in DOUBTS[:3]])
def test_what_was_applied_last_leaves_no_doubt(spec: Fields, there: Fields, owned: Fields) -> None:
    assert compare(desired(spec), live(there, owned), MANAGER, settled=True).same


def test_labels_of_ours_that_are_gone() -> None:
    there = live({}, {})
    there["metadata"]["labels"] = {"mine": "1", "theirs": "2"}
    there["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"] = {"f:labels": {"f:mine": {}}}
    (found,) = compare(desired({}), there, MANAGER).fields
    assert (found.path, found.before, found.after) == ("metadata.labels.mine", "1", ABSENT)


def test_differences_of_two_states_both_ways() -> None:
    before = live({"a": 1, "containers": [{"name": "x", "image": "1"}, {"name": "gone"}]}, None)
    after = live({"b": 2, "containers": [{"name": "x", "image": "2"}, {"name": "new"}]}, None)
    after["metadata"]["resourceVersion"] = "8"
    after["status"] = {"n": 2}
    assert [(found.path, found.before, found.after) for found in differences(before, after)] == [
        ("spec.a", 1, ABSENT),
        ("spec.containers[x].image", "1", "2"),
        ("spec.containers[gone]", {"name": "gone"}, ABSENT),
        ("spec.containers[new]", ABSENT, {"name": "new"}),
        ("spec.b", ABSENT, 2),
    ]


def test_a_config_map_is_no_place_for_quantities() -> None:
    assert not same_value("1Gi", "1024Mi", ("data", "storage"))
    assert same_value("1Gi", "1024Mi", ("requests", "storage"))


def test_digest_changes_with_the_object_only() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})
