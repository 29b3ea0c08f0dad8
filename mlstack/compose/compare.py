"""Differences between two values, field by field, with paths that people read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from mlstack.compose.paths import element_name, field_text


class Absent:
    """The one value for what is not there; printed as a dash."""

    def __repr__(self) -> str:
        return "-"


ABSENT = Absent()


class Difference(NamedTuple):
    """A field that differs: its path and both values, ABSENT on the side where it is not."""

    path: str
    left: Any
    right: Any


def differences(left: Any, right: Any) -> list[Difference]:
    """What differs from `left` to `right`, in `left`'s order, then what only `right` has.

    Elements of lists are matched by their names where all have different ones, else by index.
    """
    return list(_differences(left, right, ""))


def _differences(left: Any, right: Any, path: str) -> Iterator[Difference]:
    if isinstance(left, dict) and isinstance(right, dict):
        for key in [*left, *(key for key in right if key not in left)]:
            field = path + field_text(str(key), first=not path)
            yield from _differences(left.get(key, ABSENT), right.get(key, ABSENT), field)
    elif isinstance(left, list) and isinstance(right, list):
        yield from _in_lists(left, right, path)
    elif not _same(left, right):
        yield from _changed(left, right, path)


def _in_lists(left: list[Any], right: list[Any], path: str) -> Iterator[Difference]:
    ours, theirs = _named(left), _named(right)
    if ours is None or theirs is None:
        ours, theirs = dict(_indexed(left)), dict(_indexed(right))
    for name in [*ours, *(name for name in theirs if name not in ours)]:
        yield from _differences(ours.get(name, ABSENT), theirs.get(name, ABSENT), f"{path}[{name}]")
    if list(ours) != list(theirs) and ours.keys() == theirs.keys():
        yield Difference(f"{path} (order)", list(ours), list(theirs))


def _indexed(elements: list[Any]) -> Iterator[tuple[str, Any]]:
    return ((str(index), element) for index, element in enumerate(elements))


def _named(elements: list[Any]) -> dict[str, Any] | None:
    """Elements by name, or None where they are no maps or two have the same name."""
    if not all(isinstance(element, dict) for element in elements):
        return None
    names = [element_name(element, index) for index, element in enumerate(elements)]
    return dict(zip(names, elements, strict=True)) if len(set(names)) == len(names) else None


def _changed(left: Any, right: Any, path: str) -> Iterator[Difference]:
    """A field that is there on one side only is told by its leaves."""
    there = right if left is ABSENT else left
    if (left is ABSENT or right is ABSENT) and isinstance(there, dict) and there:
        empty: dict[str, Any] = {}
        yield from _differences(empty if left is ABSENT else left, empty if right is ABSENT else right, path)
    else:
        yield Difference(path, left, right)


def _same(left: Any, right: Any) -> bool:
    # 1 == True in Python, not in Kubernetes.
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
