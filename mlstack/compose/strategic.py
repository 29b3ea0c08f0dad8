"""Strategic merge: maps key by key, lists of named things by their names (API conventions, "list-map keys")."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mlstack.compose.places import Place
from mlstack.errors import MlstackError

# Field -> the keys that name its elements, the first that the elements have (patchMergeKey in k8s.io/api/core/v1).
_LIST_KEYS: Mapping[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "ports": ("containerPort", "port"),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "resourceClaims": ("name",),
    "topologySpreadConstraints": ("topologyKey",),
    "webhooks": ("name",),
    "ownerReferences": ("uid",),
}

DELETED = object()


def strategic_merge(base: Any, patch: Mapping[str, Any], place: Place) -> Any:
    """`base` with `patch` merged in; null deletes a key, `$patch: delete` what it stands in (then DELETED).

    Raises MlstackError with the place for an unknown directive and for list elements without their key.
    """
    directive = patch.get("$patch")
    if directive == "delete":
        return DELETED
    if directive not in (None, "replace", "merge"):
        raise MlstackError(f"{place}: $patch: {directive} is not known; there are delete, replace, merge.")
    merged = {} if directive == "replace" or not isinstance(base, Mapping) else dict(base)
    for key, value in patch.items():
        if key.startswith("$") and key != "$patch":
            raise MlstackError(f"{place}: the directive {key} is not known; there is $patch.")
        if key != "$patch":
            _set(merged, key, _merged(merged.get(key), value, key, place))
    return merged


def _set(merged: dict[str, Any], key: str, value: Any) -> None:
    if value is None or value is DELETED:
        merged.pop(key, None)
    else:
        merged[key] = value


def _merged(base: Any, value: Any, field: str, place: Place) -> Any:
    if isinstance(value, Mapping):
        return strategic_merge(base, value, place)
    if not isinstance(value, list):
        return value
    elements = [e for e in value if not (isinstance(e, Mapping) and dict(e) == {"$patch": "replace"})]
    key = _key_of(field, [*elements, *(base if isinstance(base, list) else [])])
    if key is None:
        if any(isinstance(element, Mapping) and "$patch" in element for element in elements):
            raise MlstackError(f"{place}: the elements of {field} have no key by which to find one: replace the list.")
        return copy.deepcopy(elements)
    start = base if isinstance(base, list) and len(elements) == len(value) else []
    return _merged_elements(start, elements, key, place)


def _key_of(field: str, elements: Sequence[Any]) -> str | None:
    """The key by which the elements of a list merge; None: the list replaces."""
    keys = _LIST_KEYS.get(field, ())
    found = [key for key in keys if any(isinstance(e, Mapping) and key in e for e in elements)]
    return found[0] if found else None


def _merged_elements(base: Sequence[Any], elements: Sequence[Any], key: str, place: Place) -> list[Any]:
    merged = list(base)
    for element in elements:
        if not isinstance(element, Mapping) or key not in element:
            raise MlstackError(f"{place}: an element of this list needs its {key}: {element!r}.")
        index = next(
            (i for i, e in enumerate(merged) if isinstance(e, Mapping) and e.get(key) == element[key]), len(merged)
        )
        result = strategic_merge(merged[index] if index < len(merged) else {}, element, place)
        merged[index : index + 1] = [] if result is DELETED else [result]
    return merged
