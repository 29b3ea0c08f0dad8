from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose.compare import ABSENT, Difference, differences


def named(*names: str, **more: Any) -> list[dict[str, Any]]:
    return [{"name": name, **more} for name in names]


@pytest.mark.parametrize(
    ("left", "right", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": 1}, {"a": 2}, [("a", 1, 2)]),
        ({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}, [("a.b", 1, 2), ("a.c", ABSENT, 3)]),
        ({"a": {"b": {"c": 1, "d": 2}}}, {}, [("a.b.c", 1, ABSENT), ("a.b.d", 2, ABSENT)]),
        ({"a": {}}, {}, [("a", {}, ABSENT)]),
        ({}, {"a": {"x.y/z": 1}}, [("a[x.y/z]", ABSENT, 1)]),
        ({"a": [1, 2]}, {"a": [1, 3, 4]}, [("a[1]", 2, 3), ("a[2]", ABSENT, 4)]),
        ({"a": named("x", "y")}, {"a": named("y")}, [("a[x].name", "x", ABSENT)]),
        ({"a": named("x", v=1)}, {"a": named("x", v=2)}, [("a[x].v", 1, 2)]),
        ({"a": named("x", "y")}, {"a": named("y", "x")}, [("a (order)", ["x", "y"], ["y", "x"])]),
        ({"a": named("x", "x")}, {"a": named("x", "z")}, [("a[1].name", "x", "z")]),
        ({"a": 1}, {"a": True}, [("a", 1, True)]),
        ({"a": 0}, {"a": False}, [("a", 0, False)]),
        ({"a": None}, {}, [("a", None, ABSENT)]),
        ({"a": {"b": 1}}, {"a": [1]}, [("a", {"b": 1}, [1])]),
        ({"a": "1"}, {"a": 1}, [("a", "1", 1)]),
    ],
)
def test_differences(left: Any, right: Any, found: list[tuple[str, Any, Any]]) -> None:
    assert differences(left, right) == [Difference(*one) for one in found]


def test_the_example_of_the_session() -> None:
    def job(image: str, **more: Any) -> dict[str, Any]:
        containers = [{"name": "tensorflow", "image": image, **more}]
        return {"spec": {"tfReplicaSpecs": {"Worker": {"template": {"spec": {"containers": containers}}}}}}

    found = differences(job("tf:2.17.0"), job("tf:2.17.0-gpu", resources={"limits": {"nvidia.com/gpu": 1}}))
    path = "spec.tfReplicaSpecs.Worker.template.spec.containers[tensorflow]"
    assert found == [
        (f"{path}.image", "tf:2.17.0", "tf:2.17.0-gpu"),
        (f"{path}.resources.limits[nvidia.com/gpu]", ABSENT, 1),
    ]


def test_absent_reads_as_a_dash() -> None:
    assert repr(ABSENT) == "-"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["name", "a", "b"]), inner, max_size=3),
    max_leaves=10,
)


@given(json_values, json_values)
def test_there_are_differences_exactly_where_values_differ(left: Any, right: Any) -> None:
    def typed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: typed(item) for key, item in value.items()}
        return [typed(item) for item in value] if isinstance(value, list) else (type(value), value)

    assert bool(differences(left, right)) is (typed(left) != typed(right))
    assert bool(differences(left, right)) is bool(differences(right, left))
