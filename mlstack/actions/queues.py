"""Reading Kueue's queues: what decides whether a job in a queue is admitted, one LIST each, all at once."""

from __future__ import annotations

import time
from collections.abc import Iterable

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, ForbiddenError, NotFoundError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.cluster.objects import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.queues import Queues
from mlstack.plan.fit.workloads import in_queue, is_deactivated, told_in_queue
from mlstack.plan.readiness import Readiness

GROUP = "kueue.x-k8s.io"
EVERY_SECONDS = 5.0
VERSIONS = ("v1beta2", "v1beta1")  # the newest first; before Kueue 0.15 there was only the other
LOCAL, WORKLOADS = "LocalQueue", "Workload"
KINDS = {
    LOCAL: ("localqueues", True),
    "ClusterQueue": ("clusterqueues", False),
    "ResourceFlavor": ("resourceflavors", False),
    "Cohort": ("cohorts", False),
    WORKLOADS: ("workloads", True),
}


def see_queues(client: Client, namespace: str) -> Queues:
    """Kueue's objects for jobs of a namespace; `there` is False where Kueue is not installed.

    Of what may not be listed None is kept; of Workloads, which only name holders, those of the namespace.
    """
    for version in VERSIONS:
        answers = _all(client, version, namespace)
        if not isinstance(answers[0], NotFoundError):
            return _queues(answers)
    return Queues()


def workloads_in(client: Client, namespace: str) -> list[Manifest]:
    """The Workloads of a namespace; none where Kueue is not installed, or they may not be listed."""
    for version in VERSIONS:
        try:
            return objects.list_objects(client, resource_at(version, WORKLOADS), namespace).items
        except NotFoundError:
            continue
        except ClusterError:
            break  # a word less, and no reason to stop
    return []


class QueueWords:
    """What queues say of the jobs that wait in them, asked for rarely."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.workloads: list[Manifest] = []
        self.asked = float("-inf")

    def ask(self, lives: Iterable[Manifest]) -> None:
        """Lists the Workloads where some of these jobs wait in a queue, and the last time was a while ago."""
        if time.monotonic() - self.asked < EVERY_SECONDS:
            return
        namespaces = sorted({live["metadata"]["namespace"] for live in lives if in_queue(live)})
        if namespaces:
            self.asked = time.monotonic()
            self.workloads = [one for namespace in namespaces for one in workloads_in(self.client, namespace)]

    def deactivated(self, live: Manifest) -> bool:
        """Test whether the job's Workload is switched off, as of the last time they were listed."""
        return is_deactivated(live, self.workloads)

    def told(self, live: Manifest, found: Readiness) -> str:
        """What a job says of itself, with what its queue says."""
        return told_in_queue(live, found, self.workloads)


def _all(client: Client, version: str, namespace: str) -> list[list[Manifest] | MlstackError]:
    return client.map(lambda kind: _list(client, version, kind, namespace), [*KINDS, "Namespace"])


def _list(client: Client, version: str, kind: str, namespace: str) -> list[Manifest]:
    if kind == "Namespace":
        return [objects.get(client, well_known("v1", kind), None, namespace)]
    if kind != WORKLOADS:
        return objects.list_objects(client, resource_at(version, kind), namespace if kind == LOCAL else None).items
    try:
        return objects.list_objects(client, resource_at(version, kind), None).items
    except ForbiddenError:
        return objects.list_objects(client, resource_at(version, kind), namespace).items


def resource_at(version: str, kind: str) -> Resource:
    """A kind of Kueue's as the cluster serves it at a version."""
    plural, namespaced = KINDS[kind]
    return Resource(GROUP, version, kind, plural, namespaced)


def _queues(answers: list[list[Manifest] | MlstackError]) -> Queues:
    local, cluster, flavors, cohorts, workloads, namespace = map(_items, answers)
    return Queues(
        namespace=namespace[0] if namespace else None,
        local=local,
        cluster=cluster,
        flavors=flavors,
        cohorts=cohorts,
        workloads=workloads or (),
        there=True,
    )


def _items(answer: list[Manifest] | MlstackError) -> list[Manifest] | None:
    """What was listed; None where it may not be. A kind that is not served has no objects."""
    if isinstance(answer, ForbiddenError):
        return None
    if isinstance(answer, NotFoundError):
        return []
    if isinstance(answer, MlstackError):
        raise answer
    return answer
