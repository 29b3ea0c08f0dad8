"""Holding a run back and releasing it, in place: by its own switch, or in a queue of Kueue's by its Workload's."""

from __future__ import annotations

import time
from typing import Any

from mlstack.actions.queues import WORKLOADS, resource_at, workloads_in
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.kinds import Resource
from mlstack.compose.manifests import Manifest, key_of
from mlstack.errors import NotReadyError
from mlstack.plan.runs import in_queue, suspend_path

PAUSE_SECONDS = 0.25


def switch(session: Session, resource: Resource, live: Manifest, *, suspend: bool, until: float) -> Manifest:
    """Suspends a run or releases it; the object as it is then. Waits `until` (time.monotonic's clock) for Kueue."""
    if in_queue(live):
        set_active(session, live, active=not suspend, until=until)
        return live
    key, change = key_of(live), _nested(suspend_path(key_of(live)), suspend)
    client, manager = session.connection.client, session.owner.manager
    return objects.patch(client, resource, key.namespace, key.name, change, manager=manager)


def set_active(session: Session, live: Manifest, *, active: bool, until: float) -> None:
    """Sets `spec.active` of a job's Workload: Kueue itself decides about the job's own switch, and undoes it.

    Raises NotReadyError where Kueue has made none in time.
    """
    client, key = session.connection.client, key_of(live)
    while (found := _workload(session, live)) is None:
        if time.monotonic() > until:
            raise NotReadyError(
                f"{key} cannot be suspended: Kueue has no Workload for it yet.",
                f"See its queue: mlstack check {session.scope.environment}",
            )
        time.sleep(PAUSE_SECONDS)
    version = str(found["apiVersion"]).partition("/")[2]
    resource = resource_at(version, WORKLOADS)
    name, manager = found["metadata"]["name"], session.owner.manager
    objects.patch(client, resource, key.namespace, name, {"spec": {"active": active}}, manager=manager)


def _workload(session: Session, live: Manifest) -> Manifest | None:
    uid = live["metadata"].get("uid")
    found = workloads_in(session.connection.client, live["metadata"]["namespace"])
    owned = (one for one in found if any(o.get("uid") == uid for o in one["metadata"].get("ownerReferences") or []))
    return next(owned, None)


def _nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    for step in reversed(path):
        value = {step: value}
    return dict(value)
