"""The lists of the Kubernetes API that are maps, by field name, and the keys of their items.

Source: `x-kubernetes-list-map-keys` of the OpenAPI, without the fields that only a status has. Patches, comparisons and
printed paths all use this table; its test compares it with the installed OpenAPI.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Keys = tuple[str, ...]

_NAME: tuple[Keys, ...] = (("name",),)
LIST_KEYS: Mapping[str, tuple[Keys, ...]] = {
    **dict.fromkeys(("containers", "initContainers", "ephemeralContainers", "env", "volumes"), _NAME),
    **dict.fromkeys(("imagePullSecrets", "resourceClaims", "claims", "schedulingGates", "evictionResponders"), _NAME),
    **dict.fromkeys(("secrets", "webhooks", "matchConditions", "variables", "drivers"), _NAME),
    **dict.fromkeys(("podGroupTemplates", "compositePodGroupTemplates"), _NAME),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "hostAliases": (("ip",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol")),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"),),
    "ownerReferences": (("uid",),),
    "x-kubernetes-validations": (("rule",),),
}
KEY_DEFAULTS: Mapping[str, Any] = {"protocol": "TCP"}


def list_keys(name: str, items: Sequence[Any]) -> Keys:
    """The keys of the list-map called `name`, or () where the items have no such keys."""
    if not all(isinstance(entry, Mapping) for entry in items):
        return ()
    for keys in LIST_KEYS.get(name, ()):
        if all(has_keys(entry, keys) for entry in items):
            return keys
    return ()


def has_keys(entry: Any, keys: Keys) -> bool:
    """Whether an item has every key that has no default."""
    return isinstance(entry, Mapping) and all(entry.get(key) is not None for key in keys if key not in KEY_DEFAULTS)


def item_key(entry: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """An item's key as a mapping, defaults filled in."""
    return {name: KEY_DEFAULTS.get(name) if entry.get(name) is None else entry[name] for name in keys}
