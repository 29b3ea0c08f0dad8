"""How many of a cluster's GPUs are in use, for how long an app had some, and which notebooks have them idle."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mlstack.actions.idle import IdleNotebook, idle_notebooks
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.plan.fit.nodes import holds
from mlstack.plan.fit.requests import amounts, pod_requests
from mlstack.plan.readiness import condition

COMPONENT = "app.kubernetes.io/component"


@dataclass(frozen=True)
class GpuHours:
    """What the pods of a component that are still in the cluster have had, `since` the first of them was placed."""

    component: str
    hours: float
    since: str


@dataclass(frozen=True)
class Gpus:
    """GPUs by count: `used` by all scheduled pods, `ours` by this app's, `total` that nodes can give."""

    used: int
    ours: int
    total: int
    hours: tuple[GpuHours, ...] = ()
    idle: tuple[IdleNotebook, ...] = ()


def gpus_in_use(client: Client, app: str, resource: str, namespace: str = "") -> Gpus | None:
    """What the nodes have and the pods hold; None where it may not be read, or there are no GPUs.

    Two LISTs at most; only where a notebook in `namespace` has GPUs is its hub asked when it was last used.
    """
    try:
        nodes = objects.list_objects(client, well_known("v1", "Node")).items
        total = sum(amounts((node.get("status") or {}).get("allocatable")).get(resource, 0) for node in nodes)
        if not total:
            return None
        pods = objects.list_objects(client, well_known("v1", "Pod")).items
    except ForbiddenError:
        return None
    now = datetime.now(UTC)
    return count_gpus(pods, app, resource, total, now, idle_notebooks(client, namespace, pods, resource, now))


def count_gpus(
    pods: Sequence[Manifest],
    app: str,
    resource: str,
    total: int,
    now: datetime,
    idle: tuple[IdleNotebook, ...] = (),
) -> Gpus:
    """What scheduled pods that have not ended hold of `resource`, and what of that is the app's, until `now` too."""
    holding = [(pod, pod_requests(pod).get(resource, 0)) for pod in pods if holds(pod)]
    own = [pod for pod in pods if _part_of(pod) == app]
    ours = sum(held for pod, held in holding if _part_of(pod) == app)
    return Gpus(sum(held for _, held in holding), ours, total, gpu_hours(own, resource, now), idle)


def gpu_hours(pods: Iterable[Manifest], resource: str, now: datetime) -> tuple[GpuHours, ...]:
    """GPU-hours by component: from when a pod was placed until it ended, for each GPU that it asked for."""
    hours: dict[str, float] = {}
    since: dict[str, datetime] = {}
    for pod in pods:
        number, began = pod_requests(pod).get(resource, 0), _placed(pod)
        if number and began:
            name = str((pod["metadata"].get("labels") or {}).get(COMPONENT, ""))
            seconds = max(0.0, ((_ended(pod) or now) - began).total_seconds())
            hours[name] = hours.get(name, 0.0) + number * seconds / 3600
            since[name] = min(began, since.get(name, began))
    found = [GpuHours(name, rounded(hours[name]), f"{since[name]:%Y-%m-%d %H:%M}Z") for name in sorted(hours)]
    return tuple(one for one in found if one.hours)


def rounded(hours: float) -> float:
    """As exact as people want it, so that it does not change at each look."""
    return round(hours, 1) if hours < 10 else float(round(hours))


def _placed(pod: Manifest) -> datetime | None:
    """When the scheduler gave it its node; for pods that never saw the scheduler, when their kubelet saw them."""
    scheduled = condition(pod, "PodScheduled")
    when = scheduled.get("lastTransitionTime") if scheduled.get("status") == "True" else None
    return _time(when or (pod.get("status") or {}).get("startTime"))


def _ended(pod: Manifest) -> datetime | None:
    """When the last of its containers ended, if the pod has; None while it holds its GPUs."""
    if holds(pod):
        return None
    states = [one.get("state") or {} for one in (pod.get("status") or {}).get("containerStatuses") or []]
    ends = [_time((state.get("terminated") or {}).get("finishedAt")) for state in states]
    return max((end for end in ends if end), default=_placed(pod))


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(str(text)) if text else None


def _part_of(pod: Manifest) -> str:
    return str((pod["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of", ""))
