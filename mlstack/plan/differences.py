"""Every field that differs between two states of one object, exactly: no default, quantity or order is read into it.

It reads the answer of a server-side dry-run beside the live object. Both come from the API server in one spelling, so
that each difference is one that the server sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import fields as paths
from mlstack.plan.model import ABSENT, FieldChange

IDENTITY = frozenset({"apiVersion", "kind"})
METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


def body(manifest: Mapping[str, Any], *, status: bool = False) -> dict[str, Any]:
    """The part of an object that is compared: everything but identity and the server's metadata; `status` on demand."""
    left = IDENTITY if status else IDENTITY | {"status"}
    kept = {key: value for key, value in manifest.items() if key not in left and key != "metadata"}
    metadata = manifest.get("metadata") or {}
    kept["metadata"] = {key: metadata[key] for key in METADATA if metadata.get(key)}
    return kept


def identical(one: Any, other: Any) -> bool:
    """Equality as JSON has it: true is not 1, and "1" is not 1, at any depth."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(identical(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(identical, one, other))
    return bool(one == other) and isinstance(one, bool) == isinstance(other, bool)


def differences(before: Manifest, after: Manifest, *, status: bool = False) -> list[FieldChange]:
    """Every field that differs between two states of one object; of `status` only on demand."""
    return list(_differ(body(before, status=status), body(after, status=status), "", ""))


def _differ(before: Any, after: Any, path: str, name: str) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            yield from _differ(before.get(key, ABSENT), after.get(key, ABSENT), paths.join(path, key), key)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _differ_lists(before, after, path, name)
    elif not identical(before, after):
        yield FieldChange(path, before, after)


def _differ_lists(before: list[Any], after: list[Any], path: str, name: str) -> Iterator[FieldChange]:
    one, other = by_label(name, before, after)
    if one is not None and other is not None:
        for label in [*one, *(label for label in other if label not in one)]:
            yield from _differ(one.get(label, ABSENT), other.get(label, ABSENT), paths.item(path, label), "")
        if (moved := in_order(one, other)) is not None:
            yield moved_items(path, *moved)
    elif len(before) != len(after):
        yield FieldChange(path, before, after)
    else:
        for index, (left, right) in enumerate(zip(before, after, strict=True)):
            yield from _differ(left, right, paths.item(path, index), "")


def by_label(name: str, *lists: list[Any]) -> list[dict[str, Any]] | list[None]:
    """Each list's items by their labels, or None for each where the lists have no keys or a key occurs twice."""
    keys = paths.list_keys(name, [entry for items in lists for entry in items])
    if not keys:
        return [None] * len(lists)
    found = [{paths.key_label(paths.item_key(entry, keys)): entry for entry in items} for items in lists]
    unique = all(len(labelled) == len(items) for labelled, items in zip(found, lists, strict=True))
    return found if unique else [None] * len(lists)


def in_order(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], list[str]] | None:
    """The labels that both have, in both orders, where these differ; None where they do not."""
    one, other = [label for label in before if label in after], [label for label in after if label in before]
    return None if one == other else (one, other)


def moved_items(path: str, before: list[str], after: list[str]) -> FieldChange:
    """Items of a list that are in another order."""
    return FieldChange(f"{path} (order)", before, after)
