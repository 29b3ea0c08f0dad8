"""How many of a cluster's GPUs are in use."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.plan.fit.nodes import holds
from mlstack.plan.fit.requests import amounts, pod_requests


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
        total = sum(amounts((node.get("status") or {}).get("allocatable")).get(resource, 0) for node in nodes)
        if not total:
            return None
        pods = objects.list_objects(client, well_known("v1", "Pod")).items
    except ForbiddenError:
        return None
    return count_gpus(pods, app, resource, total)


def count_gpus(pods: Iterable[Manifest], app: str, resource: str, total: int) -> Gpus:
    """What scheduled pods that have not ended hold of `resource`, and what of that is the app's."""
    holding = [(pod, pod_requests(pod).get(resource, 0)) for pod in pods if holds(pod)]
    ours = sum(held for pod, held in holding if _part_of(pod) == app)
    return Gpus(sum(held for _, held in holding), ours, total)


def _part_of(pod: Manifest) -> str:
    return str((pod["metadata"].get("labels") or {}).get("app.kubernetes.io/part-of", ""))
