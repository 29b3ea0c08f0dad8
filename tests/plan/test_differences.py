from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.differences import body, differences, identical
from mlstack.plan.model import ABSENT

Fields = dict[str, Any]


def thing(spec: Fields, **more: Any) -> Fields:
    metadata = {"name": "x", "resourceVersion": "7", "generation": 2, "managedFields": []}
    return {"apiVersion": "v1", "kind": "Thing", "metadata": metadata, "spec": spec, **more}


def test_both_ways() -> None:
    before = thing({"a": 1, "containers": [{"name": "x", "image": "1"}, {"name": "gone"}]}, status={"n": 1})
    after = thing({"b": 2, "containers": [{"name": "x", "image": "2"}, {"name": "new"}]}, status={"n": 2})
    after["metadata"]["resourceVersion"] = "8"
    assert [(found.path, found.before, found.after) for found in differences(before, after)] == [
        ("spec.a", 1, ABSENT),
        ("spec.containers[x].image", "1", "2"),
        ("spec.containers[gone]", {"name": "gone"}, ABSENT),
        ("spec.containers[new]", ABSENT, {"name": "new"}),
        ("spec.b", ABSENT, 2),
    ]
    assert differences(before, after, status=True)[-1].path == "status.n"
    assert differences(before, before, status=True) == []


EXACT: list[tuple[Fields, Fields, list[tuple[str, object, object]]]] = [
    ({"cpu": "1000m"}, {"cpu": "1"}, [("spec.cpu", "1000m", "1")]),
    ({"limits": {"cpu": "1000m"}}, {"limits": {"cpu": "1"}}, [("spec.limits.cpu", "1000m", "1")]),
    ({"a": None}, {}, [("spec.a", None, ABSENT)]),
    ({}, {"a": ""}, [("spec.a", ABSENT, "")]),
    ({"a": 0}, {"a": False}, [("spec.a", 0, False)]),
    ({"a": 1}, {"a": "1"}, [("spec.a", 1, "1")]),
    ({"a": 1}, {"a": 1.0}, []),
    ({"initContainers": [{"name": "a"}, {"name": "b"}]}, {"initContainers": [{"name": "b"}, {"name": "a"}]},
     [("spec.initContainers (order)", ["a", "b"], ["b", "a"])]),
    ({"ports": [{"port": 53}, {"port": 53, "protocol": "UDP", "targetPort": 1}]},
     {"ports": [{"port": 53}, {"port": 53, "protocol": "UDP", "targetPort": 2}]},
     [("spec.ports[53,UDP].targetPort", 1, 2)]),
    ({"env": [{"name": "A"}, {"name": "A", "value": "1"}]}, {"env": [{"name": "A"}, {"name": "A", "value": "2"}]},
     [("spec.env[1].value", "1", "2")]),
    ({"args": ["a", "b"]}, {"args": ["b", "a"]}, [("spec.args[0]", "a", "b"), ("spec.args[1]", "b", "a")]),
    ({"args": ["a"]}, {"args": ["a", "a"]}, [("spec.args", ["a"], ["a", "a"])]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "found"), EXACT)
def test_exact(before: Fields, after: Fields, found: list[tuple[str, object, object]]) -> None:
    seen = differences(thing(before), thing(after))
    assert [(one.path, one.before, one.after) for one in seen] == found
    assert [type(one.after) for one in seen] == [type(after) for _, _, after in found]


def test_equality_is_that_of_json() -> None:
    assert identical({"a": [1, {"b": True}]}, {"a": [1.0, {"b": True}]})
    assert not identical({"a": [1, {"b": True}]}, {"a": [1, {"b": 1}]})
    assert not identical([1], [1, 2])
    assert not identical({"a": None}, {})


def test_the_servers_own_metadata_is_left_out() -> None:
    found = thing({}, status={"n": 1})
    found["metadata"] |= {"labels": {"a": "1"}, "annotations": {}}
    assert body(found) == {"spec": {}, "metadata": {"labels": {"a": "1"}}}
    assert body(found, status=True)["status"] == {"n": 1}
