"""Strategic merge: maps key by key, lists that are maps by all the keys that the API gives their items."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from mlstack.compose.listkeys import KEY_DEFAULTS, LIST_KEYS, Keys, has_keys, item_key
from mlstack.compose.places import Place
from mlstack.errors import MlstackError

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
    keys = _keys_of(field, [*elements, *(base if isinstance(base, list) else [])])
    if not keys:
        if any(isinstance(element, Mapping) and "$patch" in element for element in elements):
            raise MlstackError(f"{place}: the elements of {field} have no key by which to find one: replace the list.")
        return copy.deepcopy(elements)
    start = base if isinstance(base, list) and len(elements) == len(value) else []
    return _merged_elements(start, elements, keys, place)


def _keys_of(field: str, elements: Sequence[Any]) -> Keys:
    """The keys by which the elements of a list merge; (): the list replaces."""
    return next((keys for keys in LIST_KEYS.get(field, ()) if any(has_keys(e, keys) for e in elements)), ())


def _merged_elements(base: Sequence[Any], elements: Sequence[Any], keys: Keys, place: Place) -> list[Any]:
    merged = list(base)
    for element in elements:
        if not has_keys(element, keys):
            needed = " and ".join(key for key in keys if key not in KEY_DEFAULTS)
            raise MlstackError(f"{place}: an element of this list needs its {needed}: {element!r}.")
        index = next((at for at, there in enumerate(merged) if _is_meant(there, element, keys)), len(merged))
        result = strategic_merge(merged[index] if index < len(merged) else {}, element, place)
        merged[index : index + 1] = [] if result is DELETED else [result]
    return merged


def _is_meant(there: Any, element: Mapping[str, Any], keys: Keys) -> bool:
    return isinstance(there, Mapping) and item_key(there, keys) == item_key(element, keys)
