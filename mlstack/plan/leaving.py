"""Which fields of ours are left to another manager, as the app's rules say."""

from __future__ import annotations

from collections.abc import Sequence

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.fieldpaths import at, locations, owners, path_of, without
from mlstack.plan.model import FieldChange
from mlstack.plan.rules import LEAVE, Rule


def left_out(
    manifest: Manifest, key: Key, live: Manifest, manager: str, rules: Sequence[Rule]
) -> tuple[Manifest, tuple[FieldChange, ...]]:
    """The manifest without the fields that are left to another manager that gave them another value; and those."""
    left: list[FieldChange] = []
    for rule in rules:
        if rule.rule != LEAVE or rule.kind not in ("", key.kind):
            continue
        for steps in reversed(locations(manifest, rule.path)):
            other = [owner for owner in owners(live, manifest, steps) if owner != manager]
            path, here = path_of(manifest, steps), at(manifest, steps)
            there = _value(live, path)
            if other and there != here:
                left.append(FieldChange(path, there, here, other[0]))
                manifest = without(manifest, steps)
    return manifest, tuple(left)


def _value(live: Manifest, path: str) -> object:
    found = locations(live, path)  # items of a list may stand elsewhere there
    return at(live, found[0]) if found else None
