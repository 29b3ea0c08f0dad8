"""The control plane as the oracle works with it: making scenes, waiting for its controllers, and for its scheduler."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import AlreadyExistsError, DeniedError, ForbiddenError, InvalidError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.errors import MlstackError
from mlstack.plan.fit.taints import CORDON
from tests.cluster.fit.clusters import BOXED, GROUP, KEEN, PRIORITIES, USUAL, Manifest

T = TypeVar("T")

POD, NODE, SPACE = well_known("v1", "Pod"), well_known("v1", "Node"), well_known("v1", "Namespace")
QUOTA, RANGE = well_known("v1", "ResourceQuota"), well_known("v1", "LimitRange")
CLAIM, VOLUME = well_known("v1", "PersistentVolumeClaim"), well_known("v1", "PersistentVolume")
RUNTIME, PRIORITY = well_known("node.k8s.io/v1", "RuntimeClass"), well_known("scheduling.k8s.io/v1", "PriorityClass")
ACCOUNT = well_known("v1", "ServiceAccount")
CLASS, CSI_NODE = well_known("storage.k8s.io/v1", "StorageClass"), well_known("storage.k8s.io/v1", "CSINode")
SETTLED_SECONDS = 3.0
PUSHED_SECONDS = 25.0  # for pods to go that are pushed out, and the scheduler to look again: its longest pause is 10 s
RETRY_SECONDS = 14.0  # for pods that were refused for long to be looked at again
PATIENCE = 300.0


def make(client: Client, made: Iterable[tuple[Resource, Manifest, str]]) -> None:
    """Creates objects, each in a namespace unless it names its own."""
    checked(client.map(lambda one: _create(client, *one), list(made)))


def _create(client: Client, kind: Resource, manifest: Manifest, namespace: str) -> None:
    metadata = {"namespace": namespace, **manifest["metadata"]} if namespace else manifest["metadata"]
    objects.create(client, kind, {**manifest, "metadata": metadata}, manager="oracle")


def checked(results: Iterable[T | MlstackError]) -> list[T]:
    """The results of requests, none of which may have failed."""
    found = list(results)
    wrong = [str(result) for result in found if isinstance(result, MlstackError)]
    assert not wrong, wrong[:3]
    return [result for result in found if not isinstance(result, MlstackError)]


def make_classes(client: Client) -> None:
    """Priority classes, of which one's pods push others out, and a runtime class with overhead."""
    for name, value in PRIORITIES.items():
        made = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}}
        policy = "PreemptLowerPriority" if name == KEEN else "Never"
        once(client, PRIORITY, {**made, "value": value, "preemptionPolicy": policy})
    usual = {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": USUAL}}
    once(client, PRIORITY, {**usual, "value": 0, "globalDefault": True})
    boxed = {"apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": BOXED}, "handler": "boxed"}
    overhead = {"podFixed": {"cpu": "250m", "memory": "120Mi"}}
    once(client, RUNTIME, {**boxed, "overhead": overhead})


def once(client: Client, kind: Resource, manifest: Manifest) -> None:
    """Creates what an earlier test may have left: a second default class would be refused, whatever its name is."""
    if objects.find(client, kind, None, manifest["metadata"]["name"]) is None:
        objects.create(client, kind, manifest, manager="oracle")


def make_spaces(client: Client, names: Sequence[str]) -> None:
    """Namespaces in which pods can be made: each has its service account."""
    make(client, [(SPACE, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, "") for name in names])
    wanted = set(names)

    def done() -> bool:
        there = objects.list_objects(client, ACCOUNT, fields="metadata.name=default", metadata_only=True).items
        return wanted <= {one["metadata"]["namespace"] for one in there}

    wait(done, "the namespaces have no service accounts")


def wait(done: Callable[[], bool], what: str) -> None:
    """Waits for a condition. Raises AssertionError after minutes."""
    until = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < until, f"after {PATIENCE:.0f} s {what}"
        time.sleep(0.3)


def ready_nodes(client: Client, count: int) -> list[Manifest]:
    """The oracle's nodes, once the controllers' own taints stand as they will stay."""
    found: list[Manifest] = []

    def done() -> bool:
        found[:] = objects.list_objects(client, NODE, labels=GROUP).items
        return len(found) == count and not any(map(_changing, found))

    wait(done, "the nodes are not ready")
    return found


def _changing(node: Manifest) -> bool:
    """Whether the node controller has not seen it ready, or cordoned, yet: its own taints will change."""
    own = {t["key"] for t in node["spec"].get("taints") or () if t["key"].startswith("node.kubernetes.io/")}
    return own != ({CORDON["key"]} if node["spec"].get("unschedulable") else set())


def wait_for_spaces(client: Client) -> None:
    """Waits until quotas are counted and claims have their volumes."""

    def done() -> bool:
        quotas, claims = (objects.list_objects(client, kind).items for kind in (QUOTA, CLAIM))
        volumes = objects.list_objects(client, VOLUME).items
        bound = all(phase(claim) == "Bound" for claim in claims if "volumeName" in claim["spec"] or not late(claim))
        found = all(phase(volume) == "Available" for volume in volumes if "claimRef" not in volume["spec"])
        return bound and found and all((quota.get("status") or {}).get("hard") for quota in quotas)

    wait(done, "quotas or claims are not ready")


def phase(made: Manifest) -> str:
    """The phase of a claim or volume."""
    return str((made.get("status") or {}).get("phase") or "")


def late(claim: Manifest) -> bool:
    """Whether a claim gets its volume with its first pod."""
    return bool(claim["spec"].get("storageClassName"))


def try_pods(client: Client, pods: Sequence[Manifest]) -> int:
    """Creates pods one after another; how many the API server let in."""
    made = 0
    for pod in pods:
        try:
            objects.create(client, POD, pod, manager="oracle")
        except (AlreadyExistsError, DeniedError, ForbiddenError, InvalidError):
            continue
        made += 1
    return made


def settled(client: Client, total: int, quiet: float = SETTLED_SECONDS) -> Counter[tuple[int, str]]:
    """The pods placed, by seed and role, once the scheduler has looked at each one and has placed none for a while."""
    since, before, bound = time.monotonic(), -1, list[Manifest]()

    def done() -> bool:
        nonlocal since, before, bound
        pods = objects.list_objects(client, POD, labels="oracle/asked").items
        bound = [pod for pod in pods if pod["spec"].get("nodeName")]
        refused = [pod for pod in pods if not pod["spec"].get("nodeName") and _refused(pod)]
        if len(bound) != before:
            since, before = time.monotonic(), len(bound)
        making_room = any((pod.get("status") or {}).get("nominatedNodeName") for pod in refused)
        patience = PUSHED_SECONDS if making_room else quiet
        return len(bound) + len(refused) == total and time.monotonic() - since > patience

    wait(done, f"the scheduler has not looked at all of {total} pods")
    return _counted(bound)


def asked(client: Client) -> int:
    """How many pods of jobs there are."""
    return len(objects.list_objects(client, POD, labels="oracle/asked", metadata_only=True).items)


def all_placed(client: Client, total: int, patience: float = 40.0) -> Counter[tuple[int, str]]:
    """The pods placed, by seed and role, once all are, or when patience is over."""
    until, bound = time.monotonic() + patience, list[Manifest]()
    while len(bound) < total and time.monotonic() < until:
        pods = objects.list_objects(client, POD, labels="oracle/asked").items
        bound = [pod for pod in pods if pod["spec"].get("nodeName")]
        time.sleep(0.5)
    return _counted(bound)


def _counted(pods: Iterable[Manifest]) -> Counter[tuple[int, str]]:
    return Counter((int(p["metadata"]["labels"]["oracle/asked"]), p["metadata"]["labels"]["role"]) for p in pods)


def _refused(pod: Manifest) -> bool:
    conditions = (pod.get("status") or {}).get("conditions") or []
    said = [one for one in conditions if one["type"] == "PodScheduled" and one["status"] == "False"]
    return bool(said) and "waiting for" not in str(said[0].get("message"))  # for a claim, or for room


def _delete(client: Client, kind: Resource, name: str) -> None:
    objects.delete(client, kind, None, name)


def clear(client: Client, shared: str, namespaces: Sequence[str]) -> None:
    """Takes the oracle's pods, nodes and volumes away again; the empty namespaces go with the sandbox."""
    now = {"gracePeriodSeconds": 0}
    checked(client.map(lambda name: client.json("DELETE", POD.path(name), now), [shared, *namespaces]))
    client.json("DELETE", NODE.path(), {"labelSelector": GROUP})
    volumes = [one["metadata"]["name"] for one in objects.list_objects(client, VOLUME).items]
    mine = [name for name in volumes if name.startswith((f"{shared}-", "oracle-late-"))]
    for kind in (CLASS, CSI_NODE):
        own = [one["metadata"]["name"] for one in objects.list_objects(client, kind).items]
        checked(client.map(partial(_delete, client, kind), [name for name in own if name.startswith("oracle-")]))
    checked(client.map(lambda name: objects.delete(client, VOLUME, None, name), mine))
    wait(lambda: not objects.list_objects(client, NODE, labels=GROUP).items, "the nodes are still there")
