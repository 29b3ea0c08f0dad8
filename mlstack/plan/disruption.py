"""Which changes Kubernetes cannot make in place, and which interrupt somebody."""

from __future__ import annotations

from collections.abc import Iterable

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.kinds import kind_of
from mlstack.plan.model import FieldChange
from mlstack.plan.stages import WORKLOADS

EXEMPT_ANNOTATION = "mlstack.dev/disruption"  # "none": a restart of this workload interrupts nobody


def immutable_fields(key: Key, fields: Iterable[FieldChange], live: Manifest) -> tuple[str, ...]:
    """The paths among `fields` that cannot be changed in place."""
    known = kind_of(key.group, key.kind).immutable
    if live.get("immutable") is True:
        known = (*known, "data", "binaryData", "immutable")
    return tuple(change.path for change in fields if any(_below(change.path, path) for path in known))


def _below(path: str, parent: str) -> bool:
    return path == parent or path.startswith((f"{parent}.", f"{parent}["))


def interruption(key: Key, fields: Iterable[FieldChange], live: Manifest, stage: int) -> str:
    """What a change interrupts, in words; "" if nobody notices. Operators may restart at any time."""
    if not kind_of(key.group, key.kind).restarts or stage != WORKLOADS or _exempt(live):
        return ""
    running = (live.get("status") or {}).get("readyReplicas", 0)
    if not running or not any(_below(change.path, "spec.template") for change in fields):
        return ""
    return f"restarts {key.name} ({running} running {'pod' if running == 1 else 'pods'})"


def _exempt(live: Manifest) -> bool:
    return (live["metadata"].get("annotations") or {}).get(EXEMPT_ANNOTATION) == "none"
