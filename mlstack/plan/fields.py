"""Paths into a manifest, the lists that are maps, and a manager's own fields (managedFields, fieldsV1).

Sources: the `x-kubernetes-list-map-keys` of Kubernetes' OpenAPI for `LIST_KEYS`; structured-merge-diff's
`fieldpath/serialize-pe.go` for the prefixes `f:`, `k:`, `v:` and `i:`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Owned = Mapping[str, Any]

LIST_KEYS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "ephemeralContainers": (("name",),),
    "env": (("name",),),
    "volumes": (("name",),),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "imagePullSecrets": (("name",),),
    "hostAliases": (("ip",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "webhooks": (("name",),),
    "conditions": (("type",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "ownerReferences": (("uid",),),
    "resourceClaims": (("name",),),
}
KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}


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


def list_keys(name: str, items: Sequence[Any]) -> tuple[str, ...]:
    """The keys of the list-map called `name`, or () where items are compared by position."""
    if not all(isinstance(entry, Mapping) for entry in items):
        return ()
    for keys in LIST_KEYS.get(name, ()):
        if all(any(key in entry for key in keys if key not in KEY_DEFAULTS) for entry in items):
            return keys
    return ()


def item_key(entry: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """An item's key as a mapping, defaults filled in."""
    return {name: entry.get(name, KEY_DEFAULTS.get(name)) for name in keys}


def find_item(items: Sequence[Any], key: Mapping[str, Any]) -> Any:
    """The item of `items` with this key, or None."""
    for entry in items:
        if isinstance(entry, Mapping) and item_key(entry, tuple(key)) == dict(key):
            return entry
    return None


def owned_fields(live: Mapping[str, Any], manager: str) -> Owned | None:
    """What `manager` has applied to `live` (fieldsV1 of its Apply entry), or None if it never has."""
    for entry in managed(live):
        if entry.get("manager") == manager and entry.get("operation") == "Apply" and not entry.get("subresource"):
            fields: Owned = entry.get("fieldsV1") or {}
            return fields
    return None


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
