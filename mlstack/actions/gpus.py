"""How many of a cluster's GPUs are in use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.plan.quantities import amount


@dataclass(frozen=True)
class Gpus:
    """GPUs by count: `used` by all scheduled pods, `ours` by this app's, `total` that nodes can give."""

    used: int
    ours: int
    total: int


def gpus_in_use(client: Client, app: str, resource: str) -> Gpus | None:
    """What the nodes have and the pods hold; None where it may not be read, or there are no GPUs. Two LISTs at most."""
    try:
        nodes = objects.list_objects(client, well_known("v1", "Node")).items
        total = sum(_count((node.get("status") or {}).get("allocatable") or {}, resource) for node in nodes)
        if not total:
            return None
        pods = objects.list_objects(client, well_known("v1", "Pod")).items
    except ForbiddenError:
        return None
    return count_gpus(pods, app, resource, total)


def count_gpus(pods: Iterable[Manifest], app: str, resource: str, total: int) -> Gpus:
    """What scheduled pods that have not ended hold of `resource`, and what of that is the app's."""
    holding = [(pod, _held(pod, resource)) for pod in pods if _holds(pod)]
    ours = sum(held for pod, held in holding if _part_of(pod) == app)
    return Gpus(sum(held for _, held in holding), ours, total)


def _holds(pod: Manifest) -> bool:
    ended = (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed")
    return bool((pod.get("spec") or {}).get("nodeName")) and not ended


def _part_of(pod: Manifest) -> str:
    return str((pod["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of", ""))


def _held(pod: Manifest, resource: str) -> int:
    """Containers add up; init containers run before them, so the largest counts."""
    spec = pod["spec"]
    running = sum(_count(_limits(container), resource) for container in spec.get("containers") or [])
    starting = max((_count(_limits(c), resource) for c in spec.get("initContainers") or []), default=0)
    return max(running, starting)


def _limits(container: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = (container.get("resources") or {}).get("limits") or {}
    return found


def _count(amounts: Mapping[str, Any], resource: str) -> int:
    return int(amount(amounts.get(resource, 0)) or 0)
