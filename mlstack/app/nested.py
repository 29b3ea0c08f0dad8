"""Values in nested plain mappings and lists, by path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Keys = Sequence[str | int]


def copied(value: Any) -> Any:
    """A copy that shares nothing, also what YAML's anchors shared: to change one place in it."""
    if isinstance(value, dict):
        return {key: copied(below) for key, below in value.items()}
    return [copied(below) for below in value] if isinstance(value, list) else value


def put(tree: Any, keys: Keys, value: Any) -> bool:
    """Puts `value` at `keys`, making mappings on the way; False where something other than a mapping is in it."""
    for key in keys[:-1]:
        if isinstance(tree, dict) and tree.get(str(key)) is None:
            tree[str(key)] = {}
        tree = tree[key]
        if not isinstance(tree, dict | list):
            return False
    tree[keys[-1]] = value
    return True


def drop(tree: Any, keys: Keys) -> None:
    """Removes the entry at `keys`, and the mappings on the way that this leaves empty."""
    holder = at(tree, keys[:-1])
    del holder[keys[-1]]
    if holder == {} and len(keys) > 1:
        drop(tree, keys[:-1])


def at(tree: Any, keys: Keys) -> Any:
    """What stands at `keys`."""
    for key in keys:
        tree = tree[key]
    return tree


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal and of the same types, 1, 1.0 and true being three; a mapping's null entries, and
    those of mappings that hold nothing else, count for nothing.
    """
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = _filled(one), _filled(other)
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and (one == other or one != one)


def _filled(tree: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in tree.items() if not _empty(value)}


def _empty(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and all(map(_empty, value.values())))
