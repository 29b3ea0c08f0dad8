from __future__ import annotations

from typing import Any

import pytest

from mlstack.app.nested import at, copied, drop, put, same


def test_put_makes_mappings_on_the_way() -> None:
    tree: dict[str, Any] = {"a": None}
    assert put(tree, ["a", "b", "c"], 1)
    assert tree == {"a": {"b": {"c": 1}}}


def test_put_refuses_to_go_through_a_scalar() -> None:
    assert not put({"a": 1}, ["a", "b"], 2)


def test_drop_takes_emptied_mappings_along() -> None:
    tree = {"a": {"b": {"c": 1}}, "d": 1}
    drop(tree, ["a", "b", "c"])
    assert tree == {"d": 1}


def test_at_goes_through_lists() -> None:
    assert at({"a": [{"b": 1}]}, ["a", 0, "b"]) == 1


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        (1, 1, True),
        (1, True, False),
        (1, 1.0, False),
        ("1", 1, False),
        ({"a": None}, {}, True),
        ({"a": {}}, {}, True),
        ({"a": []}, {}, False),
        ({"a": 1}, {"a": 2}, False),
        ([1, 2], [1], False),
        ([{"a": 1}], [{"a": 1}], True),
        (float("nan"), float("nan"), True),
    ],
)
def test_same(one: Any, other: Any, equal: bool) -> None:
    assert same(one, other) is equal


def test_a_copy_shares_nothing() -> None:
    shared = {"q": [1]}
    copy = copied({"d": shared, "e": shared})
    copy["d"]["q"].append(2)
    assert copy == {"d": {"q": [1, 2]}, "e": {"q": [1]}}
    assert shared == {"q": [1]}
