"""Who works on an environment, as the Lease beside its inventory says it, and when that may be taken over.

Kubernetes' own leader election takes a Lease that it saw unchanged for as long as it lasts, because clocks differ.
So does mlstack, and at once where it knows better: the holder was a process of this machine, and is gone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from mlstack.compose.manifests import Manifest

SECONDS = 15
CLOCKS_SECONDS = 60.0  # by how much the clocks of two machines may differ at most
ANNOTATION = "mlstack.dev/holder-"


@dataclass(frozen=True)
class Process:
    """A process that cannot be mistaken for another: the machine as booted, its id there, and when it started.

    An empty `machine` is one that cannot be told from others.
    """

    machine: str = ""
    pid: int = 0
    started: str = ""


@dataclass(frozen=True)
class Holder:
    """Who holds the Lease. `token` is new for each time that it is taken."""

    name: str
    token: str
    process: Process = Process()


@dataclass(frozen=True)
class Held:
    """A Lease as it was read. Times are the holder's clock; `version` is its resourceVersion."""

    holder: Holder
    acquired: datetime
    renewed: datetime
    version: str
    seconds: int = SECONDS
    transitions: int = 0

    def expired(self, now: datetime, *, same_clock: bool) -> bool:
        """Whether it ran out, also if the holder's clock is not ours."""
        grace = self.seconds + (0.0 if same_clock else CLOCKS_SECONDS)
        return now - self.renewed > timedelta(seconds=grace)


def may_take(held: Held, me: Process, now: datetime, unchanged_s: float, alive: Callable[[Process], bool]) -> bool:
    """Whether somebody else's Lease is free. `unchanged_s`: for how many seconds we have seen it as it is."""
    here = bool(me.machine) and held.holder.process.machine == me.machine
    if here and not alive(held.holder.process):
        return True
    return not held.holder.name or unchanged_s > held.seconds or held.expired(now, same_clock=here)


def lease(name: str, namespace: str, held: Held) -> Manifest:
    """The Lease to store; with a version it replaces the one that was read."""
    who = held.holder
    noted = {"token": who.token, "machine": who.process.machine, "process": f"{who.process.pid} {who.process.started}"}
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": namespace,
        "labels": {"app.kubernetes.io/managed-by": "mlstack"},
        "annotations": {f"{ANNOTATION}{key}": value for key, value in noted.items()},
    }
    if held.version:
        metadata["resourceVersion"] = held.version
    spec = {
        "holderIdentity": who.name,
        "leaseDurationSeconds": held.seconds,
        "acquireTime": _written(held.acquired),
        "renewTime": _written(held.renewed),
        "leaseTransitions": held.transitions,
    }
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata, "spec": spec}


def held_by(live: Manifest) -> Held:
    """A Lease from the cluster; one that says nothing has no holder, and may be taken."""
    spec, metadata = live.get("spec") or {}, live["metadata"]
    noted = metadata.get("annotations") or {}
    pid, _, started = str(noted.get(f"{ANNOTATION}process", "")).partition(" ")
    process = Process(noted.get(f"{ANNOTATION}machine", ""), int(pid) if pid.isdigit() else 0, started)
    return Held(
        Holder(str(spec.get("holderIdentity") or ""), noted.get(f"{ANNOTATION}token", ""), process),
        _read(spec.get("acquireTime")),
        _read(spec.get("renewTime")),
        metadata.get("resourceVersion", ""),
        int(spec.get("leaseDurationSeconds") or SECONDS),
        int(spec.get("leaseTransitions") or 0),
    )


def _written(when: datetime) -> str:
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _read(text: str | None) -> datetime:
    return datetime.fromisoformat(text) if text else datetime(1970, 1, 1, tzinfo=UTC)
