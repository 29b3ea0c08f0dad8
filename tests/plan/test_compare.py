from __future__ import annotations

import json
from typing import Any

import pytest

from mlstack.plan.compare import compare, digest
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
    ("field of ours that is gone already", {"a": 1}, {"a": 1}, {"f:a": {}, "f:b": {}}),
    ("set", {"names": ["a"]}, {"names": ["b", "a"]}, {"f:names": {'v:"a"': {}}}),
    ("atomic list", {"args": ["a", "b"]}, {"args": ["a", "b"]}, {"f:args": {}}),
    ("an empty map that others filled", {"m": {"x": {}}}, {"m": {"x": {}}}, {"f:m": {"f:x": {}}}),
    ("a newly written default", {"a": 1, "b": 2}, {"a": 1, "b": 2}, {"f:a": {}}),
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
     ("spec.containers[b]", ABSENT, {"name": "b"})),
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


ENV: Fields = {"f:env": {'k:{"name":"A"}': {".": {}, "f:name": {}}, 'k:{"name":"B"}': {".": {}, "f:name": {}}}}
ZONES: Fields = {"f:zones": {'k:{"name":"A","zone":"x"}': {".": {}, "f:name": {}, "f:v": {}}}}

NOTHING: list[Any] = [None, "", [], {}, False, 0]

# What the server makes of these is unknown until it was asked; where it was, and we hold the field still, it is known.
DOUBTS: list[tuple[str, Fields, Fields, Fields, str]] = [
    ("an atomic item with more than we say", {"tolerations": [{"key": "a"}]},
     {"tolerations": [{"key": "a", "effect": "NoSchedule"}]}, {"f:tolerations": {}}, "spec.tolerations"),
    ("an atomic map with more than we say", {"nodeSelector": {"a": "1"}}, {"nodeSelector": {"a": "1", "b": "2"}},
     {"f:nodeSelector": {}}, "spec.nodeSelector"),
    *((f"{json.dumps(empty)} where nothing is", {"a": empty}, {}, {"f:a": {}}, "spec.a")
      for empty in NOTHING),
    ("an empty map where the server has defaults", {"a": {}}, {"a": {"b": 1}}, {"f:a": {}}, "spec.a"),
    ("null where the server has a default", {"a": None}, {"a": 1}, {"f:a": {}}, "spec.a"),
    ("quantity", {"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, {"f:limits": {"f:cpu": {}}},
     "spec.limits.cpu"),
    ("quantity as a number", {"limits": {"cpu": 1}}, {"limits": {"cpu": "1"}}, {"f:limits": {"f:cpu": {}}},
     "spec.limits.cpu"),
    ("a value that the server drops", {"a": "1"}, {}, {"f:a": {}}, "spec.a"),
    ("a value of a set that the server respells", {"names": ["B"]}, {"names": ["b"]}, {"f:names": {'v:"B"': {}}},
     "spec.names[B]"),
    ("a key that the server fills in", {"zones": [{"name": "A", "v": "1.0"}]}, {"zones": [{"name": "A", "zone": "x",
     "v": "1"}]}, ZONES, "spec.zones[A].v"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "there", "owned", "path"), [case[1:] for case in DOUBTS], ids=[case[0] for case in DOUBTS]
)
def test_asked_once(spec: Fields, there: Fields, owned: Fields, path: str) -> None:
    verdict = compare(desired(spec), live(there, owned), MANAGER)
    assert path in [*verdict.doubts, *(found.path for found in verdict.fields)]
    assert compare(desired(spec), live(there, owned), MANAGER, settled=True).same
    assert not compare(desired(spec), live(there, {"f:other": {}}), MANAGER, settled=True).same  # another took it over


# Whatever is known of what was applied last: others may have done this since without taking a field over.
ALWAYS: list[tuple[str, Fields, Fields, Fields | None, str]] = [
    ("items of ours in another order", {"env": [{"name": "A"}, {"name": "B"}]}, {"env": [{"name": "B"}, {"name": "A"}]},
     ENV, "spec.env (order)"),
    ("values of a set in another order", {"names": ["a", "b"]}, {"names": ["b", "x", "a"]},
     {"f:names": {'v:"a"': {}, 'v:"b"': {}}}, "spec.names (order)"),
    ("the same item twice", {"env": [{"name": "A"}, {"name": "A"}]}, {"env": [{"name": "A"}]}, ENV, "spec.env (order)"),
    ("a map that we do not hold has more", {"m": {"x": 1}}, {"m": {"x": 1, "y": 2}}, {"f:other": {}}, "spec.m"),
    ("a list that we do not hold", {"l": [{"x": 1}]}, {"l": [{"x": 1, "y": 2}]}, {"f:other": {}}, "spec.l[0]"),
    ("never applied by us", {"a": 1}, {"a": 1}, None, "metadata.managedFields"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "there", "owned", "path"), [case[1:] for case in ALWAYS], ids=[case[0] for case in ALWAYS]
)
@pytest.mark.parametrize("settled", [True, False])
def test_asked_always(spec: Fields, there: Fields, owned: Fields | None, path: str, settled: bool) -> None:
    verdict = compare(desired(spec), live(there, owned), MANAGER, settled=settled)
    assert path in verdict.doubts
    assert not verdict.same


@pytest.mark.parametrize(
    ("name", "want", "have"),
    [
        ("cpu", "1000m", "1"),
        ("memory", "1024Mi", "1Gi"),
        ("storage", "1Gi", "1024Mi"),
        ("limits", {"cpu": "1000m"}, {"cpu": "1"}),
    ],
)
def test_no_name_makes_a_value_a_quantity(name: str, want: object, have: object) -> None:
    owned: Fields = {f"f:{name}": {f"f:{key}": {} for key in want} if isinstance(want, dict) else {}}
    assert not compare(desired({name: want}), live({name: have}, owned), MANAGER).same


DNS: Fields = {
    "f:ports": {
        f'k:{{"port":53,"protocol":"{one}"}}': {".": {}, "f:port": {}, **({"f:protocol": {}} if one == "UDP" else {})}
        for one in ("TCP", "UDP")
    }
}


def test_items_that_differ_in_a_key_with_a_default() -> None:
    there = {"ports": [{"port": 53, "protocol": "TCP"}, {"port": 53, "protocol": "UDP"}]}
    both = {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP"}]}
    for settled in (True, False):
        assert compare(desired(both), live(there, DNS), MANAGER, settled=settled).same
        (found,) = compare(desired({"ports": [{"port": 53}]}), live(there, DNS), MANAGER, settled=settled).fields
        assert (found.path, found.after) == ("spec.ports[53,UDP]", ABSENT)


def test_a_field_that_another_holds_too_is_kept_by_the_server() -> None:
    there = live({"a": 1}, {"f:a": {}})
    there["metadata"]["managedFields"].append(
        {"manager": "other", "operation": "Apply", "fieldsV1": {"f:spec": {"f:a": {}}}}
    )
    assert not compare(desired({}), there, MANAGER).same
    assert compare(desired({}), there, MANAGER, settled=True).same
    there["metadata"]["managedFields"].pop()
    assert not compare(desired({}), there, MANAGER, settled=True).same


def test_fields_of_another_version_are_no_proof() -> None:
    there = live({"a": ""}, {"f:a": {}})
    there["metadata"]["managedFields"][0]["apiVersion"] = "v0"
    assert compare(desired({"a": ""}), there, MANAGER).doubts == ["metadata.managedFields"]
    assert compare(desired({"a": ""}), there, MANAGER, settled=True).same  # the very values, and none was taken out
    assert not compare(desired({"a": "", "b": 0}), there, MANAGER, settled=True).same


def test_a_status_counts_only_where_it_is_said_or_held() -> None:
    there = live({}, {})
    assert compare(desired({}), there, MANAGER).same
    assert not compare({**desired({}), "status": {"n": 2}}, there, MANAGER).same
    there["metadata"]["managedFields"][0]["fieldsV1"]["f:status"] = {"f:n": {}}
    assert [found.path for found in compare(desired({}), there, MANAGER).fields] == ["status.n"]


def test_labels_of_ours_that_are_gone() -> None:
    there = live({}, {})
    there["metadata"]["labels"] = {"mine": "1", "theirs": "2"}
    there["metadata"]["managedFields"][0]["fieldsV1"]["f:metadata"] = {"f:labels": {"f:mine": {}}}
    (found,) = compare(desired({}), there, MANAGER).fields
    assert (found.path, found.before, found.after) == ("metadata.labels.mine", "1", ABSENT)


def test_digest_changes_with_the_object_only() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1}) != digest({"a": 1, "b": 3})


@pytest.mark.parametrize(
    ("name", "value", "asked"),
    [
        ("resourceVersion", None, True),  # refused by some kinds: "must be specified for an update"
        ("deletionTimestamp", "", True),
        ("uid", "1", True),
        ("creationTimestamp", None, False),  # as code generators write it
    ],
)
def test_the_servers_metadata_is_asked_about(name: str, value: object, asked: bool) -> None:
    there = live({"a": 1}, {"a": {}})
    wanted = desired({"a": 1})
    wanted["metadata"][name] = value
    assert compare(wanted, there, MANAGER, settled=True).doubts == ([f"metadata.{name}"] if asked else [])
