"""Paths into a manifest, and a manager's own fields (managedFields, fieldsV1).

Source: structured-merge-diff's `fieldpath/serialize-pe.go` for the prefixes `f:`, `k:`, `v:` and `i:`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlstack.compose.listkeys import KEY_DEFAULTS, item_key, list_keys

__all__ = ["KEY_DEFAULTS", "item_key", "list_keys"]

Owned = Mapping[str, Any]


def join(path: str, name: str) -> str:
    """`path` with a map's key appended; keys with dots stand in brackets."""
    if "." in name or "/" in name:
        return f"{path}[{name}]"
    return f"{path}.{name}" if path else name


def item(path: str, label: object) -> str:
    """`path` with a list's item appended, named by its key's value or its index."""
    return f"{path}[{label}]"


def key_label(key: Mapping[str, Any]) -> str:
    """What an item of a list-map is called in a path: the values of its keys, defaults left out."""
    shown = [str(value) for name, value in key.items() if KEY_DEFAULTS.get(name) != value]
    return ",".join(shown)


def find_item(items: Sequence[Any], key: Mapping[str, Any]) -> Any:
    """The item of `items` with this key, or None."""
    for entry in items:
        if isinstance(entry, Mapping) and item_key(entry, tuple(key)) == dict(key):
            return entry
    return None


def apply_entry(live: Mapping[str, Any], manager: str) -> Mapping[str, Any] | None:
    """The managedFields entry of what `manager` has applied to `live`, or None if it never has."""
    for entry in managed(live):
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            return entry
    return None


def owned_fields(live: Mapping[str, Any], manager: str) -> Owned | None:
    """What `manager` has applied to `live` (fieldsV1 of its Apply entry), or None if it never has."""
    entry = apply_entry(live, manager)
    return None if entry is None else entry.get("fieldsV1") or {}


def managed(live: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The managedFields entries of an object."""
    entries: list[Mapping[str, Any]] = live.get("metadata", {}).get("managedFields") or []
    return entries


def managers(live: Mapping[str, Any]) -> set[str]:
    """The names of all field managers of an object."""
    return {str(entry.get("manager", "")) for entry in managed(live)}


def is_leaf(owned: Owned) -> bool:
    """Whether a fieldsV1 node has no fields below it: an atomic value."""
    return not any(name != "." for name in owned)


def list_nodes(owned: Owned) -> Iterator[tuple[dict[str, Any], Owned]]:
    """The `k:` children of a fieldsV1 node: each item's key and its fields."""
    for name, below in owned.items():
        if name.startswith("k:"):
            yield json.loads(name[2:]), below


def set_values(owned: Owned) -> list[Any]:
    """The `v:` children of a fieldsV1 node: the values of a set that the manager put there."""
    return [json.loads(name[2:]) for name in owned if name.startswith("v:")]
