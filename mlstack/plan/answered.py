"""What the API server said of an object before: found equal in one state, it is equal as long as that state lasts.

A dry-run's result follows from what is sent and from what is stored, so that the same question in the same state has
the same answer. Empty values that a server drops (`args: []`) would be asked about at each apply otherwise.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import fields as paths
from mlstack.plan.compare import digest
from mlstack.plan.inventory import entry
from mlstack.plan.model import Change

# Written by the server alone, with every write or without any, and read by no merge.
PASSING = ("resourceVersion", "generation", "managedFields")


def state(sent: Manifest, live: Manifest) -> str:
    """Ten hex digits that change whenever what is sent changes, or what the server would merge it with."""
    metadata = {name: value for name, value in live["metadata"].items() if name not in PASSING}
    holders = [_lasting(one) for one in paths.managed(live) if one.get("subresource") != "status"]
    fields = {name: value for name, value in live.items() if name != "status" or _holds_status(sent, holders)}
    text = json.dumps([digest(sent), {**fields, "metadata": metadata}, holders], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def _lasting(holder: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in holder.items() if name != "time"}


def _holds_status(sent: Manifest, holders: list[dict[str, Any]]) -> bool:
    """Whether a status is part of what is merged: it is where a definition has no status of its own."""
    return "status" in sent or any("f:status" in (one.get("fieldsV1") or {}) for one in holders)


def answers(changes: Iterable[Change]) -> dict[str, str]:
    """The states in which the server was asked and found objects equal, by the inventory's names."""
    return {entry(change.key): change.answered for change in changes if change.answered}


def is_about(answer: Manifest, live: Manifest) -> bool:
    """Whether a dry-run's result is about the object as it was read, and not as somebody has written it since."""
    return bool(answer["metadata"].get("resourceVersion") == live["metadata"].get("resourceVersion"))


def state_asked(sent: Manifest, live: Manifest, answer: Manifest) -> str:
    """The state in which the server answered; "" where it has stored another one since `live` was read."""
    return state(sent, live) if is_about(answer, live) else ""
