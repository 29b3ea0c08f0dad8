"""Which of the fields that we own differ between the desired and the live object.

Only what the desired manifest says is compared, so that defaults and other controllers' fields are no difference; what
we applied before and say no longer is found through our own managedFields entry. Where neither tells (an atomic list or
map that has more than we say), the answer is a doubt, to be settled by a server-side dry-run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import fields as paths
from mlstack.plan.model import ABSENT, FieldChange
from mlstack.plan.quantities import QUANTITY_FIELDS, QUANTITY_MAPS, same_quantity

IDENTITY = frozenset({"apiVersion", "kind", "status"})
FREE_TEXT = frozenset({"data", "labels", "annotations"})  # maps whose keys are the user's own words
METADATA = ("labels", "annotations", "finalizers", "ownerReferences")


@dataclass
class Verdict:
    """What a comparison found. `doubts`: paths where only the server can tell."""

    fields: list[FieldChange] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether the live object surely is what is desired."""
        return not self.fields and not self.doubts


def body(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What of an object is a matter of comparison: everything but identity, status and the server's metadata."""
    kept = {key: value for key, value in manifest.items() if key not in IDENTITY and key != "metadata"}
    metadata = manifest.get("metadata", {})
    kept["metadata"] = {key: metadata[key] for key in METADATA if metadata.get(key)}
    return kept


def digest(manifest: Manifest) -> str:
    """Ten hex digits that change whenever the desired object does; not with its API version alone."""
    text = json.dumps({**manifest, "apiVersion": ""}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def compare(desired: Manifest, live: Manifest, manager: str, *, settled: bool = False) -> Verdict:
    """Compare by the fields of `desired` and those that `manager` applied before.

    `settled`: `desired` is known to be what was applied last, so nothing can have been taken out of it since.
    """
    owned = paths.owned_fields(live, manager)
    verdict = Verdict()
    if owned is None:
        verdict.doubts.append("metadata.managedFields")
    _Walk(verdict, settled).maps(body(desired), body(live), _body_fields(owned), "")
    return verdict


def _body_fields(owned: paths.Owned | None) -> paths.Owned | None:
    if owned is None:
        return None
    return {key: below for key, below in owned.items() if key.removeprefix("f:") not in IDENTITY}


class _Walk:
    """One comparison under way: `want` is desired, `have` live, `owned` our fieldsV1 node (None: not ours)."""

    def __init__(self, verdict: Verdict, settled: bool) -> None:
        self.verdict = verdict
        self.settled = settled

    def values(self, want: Any, have: Any, owned: paths.Owned | None, path: str, names: tuple[str, str]) -> None:
        if isinstance(want, Mapping) and isinstance(have, Mapping):
            self.maps(want, have, owned, path, names[1])
        elif isinstance(want, list) and isinstance(have, list):
            self.lists(want, have, owned, path, names[1])
        elif not same_value(want, have, names):
            self.verdict.fields.append(FieldChange(path, have, want))

    def maps(
        self, want: Mapping[str, Any], have: Mapping[str, Any], owned: paths.Owned | None, path: str, name: str = ""
    ) -> None:
        for key, value in want.items():
            where = paths.join(path, key)
            if key in have:
                below = None if owned is None else owned.get(f"f:{key}")
                self.values(value, have[key], below, where, (name, key))
            else:
                self.missing(value, where)
        self.leftovers(want, have, owned, path)

    def missing(self, value: Any, path: str) -> None:
        if value is None or value in ("", [], {}):
            return
        if not value:  # false and 0 are what an omitted field means, mostly
            self.doubt(path)
            return
        self.verdict.fields.append(FieldChange(path, ABSENT, value))

    def leftovers(self, want: Mapping[str, Any], have: Mapping[str, Any], owned: paths.Owned | None, path: str) -> None:
        if owned is None:
            return
        if paths.is_leaf(owned) and path and have.keys() - want.keys():
            self.doubt(path)
        for name in owned:
            key = name.removeprefix("f:")
            if name.startswith("f:") and key in have and key not in want:
                self.removed(paths.join(path, key), have[key], owned[name], key)

    def removed(self, path: str, have: Any, owned: paths.Owned, name: str) -> None:
        """Report what of `have` was ours; what others put below stays out of it."""
        if path == "metadata" or (isinstance(have, Mapping) and not paths.is_leaf(owned)):
            self.maps({}, have, owned, path, name)
        elif isinstance(have, list) and not paths.is_leaf(owned):
            self.lists([], have, owned, path, name)
        else:
            self.verdict.fields.append(FieldChange(path, have, ABSENT))

    def lists(self, want: list[Any], have: list[Any], owned: paths.Owned | None, path: str, name: str) -> None:
        if owned is not None and any(child.startswith("v:") for child in owned):
            self.sets(want, have, owned, path)
            return
        keys = _keys(name, want, have, owned)
        if keys:
            self.items_by_key(want, have, owned or {}, path, keys)
        else:
            self.items_by_position(want, have, path, name)

    def sets(self, want: list[Any], have: list[Any], owned: paths.Owned, path: str) -> None:
        for value in want:
            if value not in have:
                self.verdict.fields.append(FieldChange(paths.item(path, value), ABSENT, value))
        for value in paths.set_values(owned):
            if value in have and value not in want:
                self.verdict.fields.append(FieldChange(paths.item(path, value), value, ABSENT))

    def items_by_key(
        self, want: list[Any], have: list[Any], owned: paths.Owned, path: str, keys: tuple[str, ...]
    ) -> None:
        nodes = list(paths.list_nodes(owned))
        for entry in want:
            key = paths.item_key(entry, keys)
            there = paths.find_item(have, key)
            where = paths.item(path, paths.key_label(key))
            if there is None:
                self.verdict.fields.append(FieldChange(where, ABSENT, entry))
            else:
                self.maps(entry, there, next((below for k, below in nodes if k == key), None), where)
        for key, below in nodes:
            there = paths.find_item(have, key)
            if there is not None and paths.find_item(want, key) is None and not paths.is_leaf(below):
                self.verdict.fields.append(FieldChange(paths.item(path, paths.key_label(key)), there, ABSENT))

    def items_by_position(self, want: list[Any], have: list[Any], path: str, name: str) -> None:
        if len(want) != len(have):
            self.verdict.fields.append(FieldChange(path, have, want))
            return
        for index, (one, other) in enumerate(zip(want, have, strict=True)):
            self.values(one, other, None, paths.item(path, index), (name, ""))
            if _has_more(other, one):
                self.doubt(paths.item(path, index))

    def doubt(self, path: str) -> None:
        if not self.settled:
            self.verdict.doubts.append(path)


def _has_more(have: Any, want: Any) -> bool:
    """Whether `have` holds, at any depth, a key that `want` does not say."""
    if isinstance(have, Mapping) and isinstance(want, Mapping):
        return bool(have.keys() - want.keys()) or any(_has_more(have[key], want[key]) for key in have)
    if isinstance(have, list) and isinstance(want, list):
        return any(_has_more(one, other) for one, other in zip(have, want, strict=False))
    return False


def _keys(name: str, want: Sequence[Any], have: Sequence[Any], owned: paths.Owned | None) -> tuple[str, ...]:
    """By which keys items match: as our managedFields say, else as the table does; () where by position."""
    if owned is None:
        return paths.list_keys(name, [*want, *have])
    for key, _ in paths.list_nodes(owned):
        return tuple(key) if all(isinstance(entry, Mapping) for entry in want) else ()
    return ()


def same_value(one: Any, other: Any, names: tuple[str, str] = ("", "")) -> bool:
    """Equal values; quantities by amount where `names` (of the map above and of the field) say that they are some."""
    if isinstance(one, bool) != isinstance(other, bool):
        return False
    if one == other or (one in (None, "") and other in (None, "")):
        return True
    return _is_quantity(*names) and same_quantity(one, other)


def _is_quantity(above: str, name: str) -> bool:
    return above in QUANTITY_MAPS or (name in QUANTITY_FIELDS and above not in FREE_TEXT)


def differences(before: Manifest, after: Manifest) -> list[FieldChange]:
    """Every field that differs between two states of one object, the server's own bookkeeping left out."""
    return list(_differ(body(before), body(after), "", ("", "")))


def _differ(before: Any, after: Any, path: str, names: tuple[str, str]) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in [*before, *(key for key in after if key not in before)]:
            there = before.get(key, ABSENT), after.get(key, ABSENT)
            yield from _differ(*there, paths.join(path, key), (names[1], key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _differ_lists(before, after, path, names)
    elif not same_value(before, after, names):
        yield FieldChange(path, before, after)


def _differ_lists(before: list[Any], after: list[Any], path: str, names: tuple[str, str]) -> Iterator[FieldChange]:
    keys = paths.list_keys(names[1], [*before, *after])
    if keys:
        for entry in [*before, *after]:
            key = paths.item_key(entry, keys)
            there = paths.find_item(before, key), paths.find_item(after, key)
            if entry is there[1] and there[0] is not None:
                continue  # met already among those before
            one, other = (ABSENT if value is None else value for value in there)
            yield from _differ(one, other, paths.item(path, paths.key_label(key)), ("", ""))
    elif len(before) != len(after):
        yield FieldChange(path, before, after)
    else:
        for index, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from _differ(one, other, paths.item(path, index), names)
