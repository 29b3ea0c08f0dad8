"""Compare a desired object with the live one: equal only where that is certain, else the API server is asked.

Two facts make equality certain. A value that the live object has exactly as desired stays as it is. And where what is
rendered is what was applied last (*settled*), a field that our managedFields entry still holds was not written by any
other client since: whatever the server made of an empty, zero, reordered or differently spelled value is known already.
All else is a doubt or a difference, and a server-side dry-run decides.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import fields as paths
from mlstack.plan.adoption import minus, union
from mlstack.plan.differences import IDENTITY, METADATA, body, by_label, identical
from mlstack.plan.model import ABSENT, FieldChange

COMPARED = {"name", "namespace", *METADATA}  # of metadata; all else is the server's, which may refuse it
EMPTY: tuple[Any, ...] = (None, "", [], {}, False, 0)


@dataclass
class Verdict:
    """The result of a comparison. `doubts`: paths where only the server can decide."""

    fields: list[FieldChange] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)

    @property
    def same(self) -> bool:
        """Whether the live object surely is what is desired."""
        return not self.fields and not self.doubts


def digest(manifest: Manifest) -> str:
    """Ten hex digits that change whenever the desired object does; not with its API version alone."""
    text = json.dumps({**manifest, "apiVersion": ""}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def compare(desired: Manifest, live: Manifest, manager: str, *, settled: bool = False) -> Verdict:
    """Compare by the fields of `desired` and those that `manager` applied before.

    `settled`: `desired` is known to be what was applied last, or what the server found equal to the live object.
    """
    entry = paths.apply_entry(live, manager)
    verdict = Verdict()
    same_version = entry is not None and entry.get("apiVersion", live.get("apiVersion")) == live.get("apiVersion")
    if not same_version and not (settled and entry):
        verdict.doubts.append("metadata.managedFields")
    metadata = desired.get("metadata") or {}
    unread = {name for name in metadata.keys() - COMPARED if (name, metadata[name]) != ("creationTimestamp", None)}
    verdict.doubts += [f"metadata.{name}" for name in sorted(unread)]
    owned = _body_fields((entry or {}).get("fieldsV1") or {}) if entry else None
    status = "status" in desired or "f:status" in (owned or {})
    known = settled and entry is not None
    others = _others(live, manager) if known else {}
    _Walk(verdict, known).maps(body(desired, status=status), body(live, status=status), owned, others, "")
    return verdict


def _body_fields(owned: paths.Owned) -> paths.Owned:
    return {key: below for key, below in owned.items() if key.removeprefix("f:") not in IDENTITY}


def _others(live: Manifest, manager: str) -> paths.Owned:
    """All that other managers hold, in the live object's version."""
    found: paths.Owned = {}
    for entry in paths.managed(live):
        mine = (entry.get("manager"), entry.get("operation")) == (manager, "Apply")
        if not mine and entry.get("apiVersion", live.get("apiVersion")) == live.get("apiVersion"):
            found = union(found, entry.get("fieldsV1") or {})
    return found


def holds(owned: paths.Owned | None, value: Any) -> bool:
    """Whether a fieldsV1 node still has every field that `value` says."""
    if owned is None:
        return False
    if not owned:
        return True  # a scalar, an atomic or an empty value
    if isinstance(value, Mapping) and value:
        return all(holds(owned.get(f"f:{key}"), below) for key, below in value.items())
    if isinstance(value, list) and value:
        return all(holds(_item_node(owned, entry), entry) for entry in value)
    return "." in owned


def _item_node(owned: paths.Owned, entry: Any) -> paths.Owned | None:
    if not isinstance(entry, Mapping):
        return next((owned[f] for f in owned if f.startswith("v:") and identical(json.loads(f[2:]), entry)), None)
    found = [below for key, below in paths.list_nodes(owned) if _is_keyed(entry, key)]
    return found[0] if len(found) == 1 else None


def _is_keyed(entry: Any, key: Mapping[str, Any]) -> bool:
    """Whether an item has this key, or says nothing against it: the server fills in keys' defaults."""
    if not isinstance(entry, Mapping):
        return False
    known = paths.item_key(entry, tuple(key))
    return all(known[name] in (value, None) for name, value in key.items())


class _Walk:
    """One comparison under way. `owned` and `others` are fieldsV1 nodes: ours (None: we hold nothing here), theirs.

    `known`: what was applied last is desired, so that a field which we still hold is as the server made it then.
    """

    def __init__(self, verdict: Verdict, known: bool) -> None:
        self.verdict = verdict
        self.known = known

    def doubt(self, path: str) -> None:
        self.verdict.doubts.append(path)

    def differs(self, path: str, before: Any, after: Any) -> None:
        self.verdict.fields.append(FieldChange(path, before, after))

    def values(
        self, want: Any, have: Any, owned: paths.Owned | None, others: paths.Owned, path: str, name: str
    ) -> None:
        if isinstance(want, Mapping) and isinstance(have, Mapping):
            self.maps(want, have, owned, others, path)
        elif isinstance(want, list) and isinstance(have, list):
            self.lists(want, have, owned, others, path, name)
        elif not identical(want, have) and not (self.known and holds(owned, want)):
            if have is ABSENT and want in EMPTY:
                self.doubt(path)
            else:
                self.differs(path, have, want)

    def maps(
        self,
        want: Mapping[str, Any],
        have: Mapping[str, Any],
        owned: paths.Owned | None,
        others: paths.Owned,
        path: str,
    ) -> None:
        whole = path and not owned  # an atomic or empty map of ours, or nothing of ours
        if whole and ((self.known and owned is not None) or identical(want, have)):
            return
        for key, value in want.items():
            below = None if owned is None else owned.get(f"f:{key}")
            there = have.get(key, ABSENT)
            self.values(value, there, below, others.get(f"f:{key}", {}), paths.join(path, key), key)
        if whole and have.keys() - want.keys():
            self.doubt(path)
        for name, below in (owned or {}).items():
            key = name.removeprefix("f:")
            if name.startswith("f:") and key in have and key not in want:
                self.removed(paths.join(path, key), have[key], below, others.get(name))

    def removed(self, path: str, have: Any, owned: paths.Owned, others: paths.Owned | None) -> None:
        """Report a field of ours that is no longer desired; what others put below it stays out of that."""
        if self.known and others is not None and not minus(owned, others):
            return  # the server keeps what another manager holds, too, and has said so
        if path == "metadata" or (isinstance(have, Mapping) and not paths.is_leaf(owned)):
            self.maps({}, have, owned, others or {}, path)
        elif isinstance(have, list) and not paths.is_leaf(owned):
            self.lists([], have, owned, others or {}, path, "")
        else:
            self.differs(path, have, ABSENT)

    def lists(
        self, want: list[Any], have: list[Any], owned: paths.Owned | None, others: paths.Owned, path: str, name: str
    ) -> None:
        if identical(want, have):
            return
        if not owned or paths.is_leaf(owned):
            self.whole_list(want, have, owned, path, name)
        elif any(child.startswith("v:") for child in owned):
            self.sets(want, have, owned, others, path)
        else:
            self.items(want, have, owned, others, path)

    def whole_list(self, want: list[Any], have: list[Any], owned: paths.Owned | None, path: str, name: str) -> None:
        """An atomic or empty list of ours, or nothing of ours: only the same list is surely equal."""
        if self.known and owned == {}:
            return
        ours, theirs = by_label(name, want, have)
        if ours is not None and theirs is not None:
            for label, entry in ours.items():
                self.values(entry, theirs.get(label, ABSENT), None, {}, paths.item(path, label), "")
        elif len(want) != len(have):
            self.differs(path, have, want)
        else:
            for index, (one, other) in enumerate(zip(want, have, strict=True)):
                self.values(one, other, None, {}, paths.item(path, index), "")
        if not self.verdict.fields:
            self.doubt(path)

    def sets(self, want: list[Any], have: list[Any], owned: paths.Owned, others: paths.Owned, path: str) -> None:
        for value in want:
            if value not in have and not (self.known and holds(_item_node(owned, value), value)):
                self.differs(paths.item(path, value), ABSENT, value)
        for value in paths.set_values(owned):
            kept = self.known and _item_node(others, value) is not None
            if value in have and value not in want and not kept:
                self.differs(paths.item(path, value), value, ABSENT)
        self.order(path, [have.index(value) for value in want if value in have], [str(value) for value in have])

    def items(self, want: list[Any], have: list[Any], owned: paths.Owned, others: paths.Owned, path: str) -> None:
        nodes = list(paths.list_nodes(owned))
        keys = tuple(nodes[0][0]) if nodes else ()
        met = []
        for entry in want:
            at = _position(entry, have, keys)
            below = _item_node(owned, entry)
            where = paths.item(path, _label(entry, keys))
            if at is None:
                self.absent_item(entry, below, where)
            else:
                met.append(at)
                self.maps(entry, have[at], below, _item_node(others, entry) or {}, where)
        for key, below in nodes:
            there = paths.find_item(have, key)
            if there is not None and not any(_is_keyed(entry, key) for entry in want):
                self.removed_item(paths.item(path, paths.key_label(key)), there, key, below, others)
        self.order(path, met, [_label(entry, keys) for entry in have])

    def absent_item(self, entry: Any, owned: paths.Owned | None, path: str) -> None:
        if not (self.known and holds(owned, entry)):
            self.differs(path, ABSENT, entry)

    def removed_item(
        self, path: str, there: Any, key: Mapping[str, Any], owned: paths.Owned, others: paths.Owned
    ) -> None:
        theirs = next((below for other, below in paths.list_nodes(others) if other == key), None)
        if not (self.known and theirs is not None and not minus(owned, theirs)):
            self.differs(path, there, ABSENT)

    def order(self, path: str, met: list[int], labels: list[str]) -> None:
        """Ask where the items that we say stand in another order: whether that is content, the server knows."""
        if met != sorted(met) or len(set(met)) != len(met):
            self.doubt(f"{path} (order)")


def _position(entry: Any, have: list[Any], keys: tuple[str, ...]) -> int | None:
    """The index of the live item that an item names, None if there is none, or more than one may be meant."""
    if not isinstance(entry, Mapping):
        return None
    key = paths.item_key(entry, keys)
    known = {name: value for name, value in key.items() if value is not None}
    found = [at for at, there in enumerate(have) if isinstance(there, Mapping) and _matches(there, known)]
    return found[0] if len(found) == 1 else None


def _matches(there: Mapping[str, Any], key: Mapping[str, Any]) -> bool:
    return all(paths.item_key(there, (name,))[name] == value for name, value in key.items())


def _label(entry: Any, keys: Iterable[str]) -> str:
    return paths.key_label(paths.item_key(entry, tuple(keys))) if isinstance(entry, Mapping) else str(entry)
