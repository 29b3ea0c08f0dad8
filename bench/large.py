"""A large cluster, as objects alone: thousands of nodes and pods in a real API server, and nobody who works on them."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from mlstack import sandbox
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.cluster.kinds import Resource, well_known
from mlstack.errors import MlstackError

from .measure import BenchError

NODES, PODS = 5000, 50_000
NAMESPACES = 50
GPU = "nvidia.com/gpu"
WORKERS = ("kwok-controller", "kube-controller-manager", "kube-scheduler")
NODE, POD, NAMESPACE = well_known("v1", "Node"), well_known("v1", "Pod"), well_known("v1", "Namespace")
ACCOUNT = well_known("v1", "ServiceAccount")

Manifest = dict[str, Any]


def node(index: int) -> Manifest:
    """One in ten has eight A100, two in ten have two L4, the rest have none."""
    model, gpus = {0: ("nvidia-tesla-a100", 8), 1: ("nvidia-l4", 2), 2: ("nvidia-l4", 2)}.get(index % 10, ("", 0))
    name = f"node-{index}"
    labels = {
        "kubernetes.io/hostname": name,
        "topology.kubernetes.io/zone": f"zone-{'abc'[index % 3]}",
        "cloud.google.com/gke-nodepool": f"pool-{index % 10}",
        **({"cloud.google.com/gke-accelerator": model} if model else {}),
    }
    size = {"cpu": "95690m" if gpus == 8 else "23850m", "memory": "640Gi" if gpus == 8 else "85Gi", "pods": "110"}
    size |= {GPU: str(gpus)} if gpus else {}
    status = {"capacity": size, "allocatable": size}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "status": status}


def pod(index: int, nodes: int) -> Manifest:
    """A pod on a node: every second GPU node has half of them held; one pod in twenty wants its like elsewhere."""
    place = index % nodes
    asked = {"cpu": "500m", "memory": "1Gi"}
    gpus = {0: 4, 1: 1, 2: 1}.get(place % 10, 0) if index < nodes and place % 20 < 10 else 0
    container = {
        "name": "main",
        "image": "registry.example.com/team/service:1.2.3",
        "args": [f"--option-{number}=value-of-some-length" for number in range(12)],
        "env": [{"name": f"VARIABLE_{number}", "value": f"a value of some length, {number}"} for number in range(20)],
        "resources": {"requests": asked, "limits": {GPU: str(gpus)} if gpus else {}},
    }
    labels = {"app": f"app-{index % 300}", "pod-template-hash": f"{index:08x}"}
    spec: Manifest = {"nodeName": f"node-{place}", "containers": [container], "tolerations": [{"operator": "Exists"}]}
    if index % 20 == 0:
        term = {"labelSelector": {"matchLabels": {"app": labels["app"]}}, "topologyKey": "kubernetes.io/hostname"}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": [term]}
        spec["affinity"] = {"podAntiAffinity": required}
    metadata = {"name": f"pod-{index}", "namespace": f"team-{index % NAMESPACES}", "labels": labels}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


@contextlib.contextmanager
def running(folder: Path, context: str, nodes: int, pods: int) -> Iterator[Path]:
    """The kubeconfig of a control plane that holds so many, while the block runs."""
    file = folder / "kubeconfig"
    name = f"bench-fit-{os.getpid()}"
    try:
        made = sandbox.up(name, like="minikube", context=context, kubeconfig_file=str(file))
        with connect(context, str(file)) as client:
            _fill(client, nodes, pods, [made.pids[worker] for worker in WORKERS])
        yield file
    finally:
        with contextlib.suppress(MlstackError):
            sandbox.down(name)


def _fill(client: Client, nodes: int, pods: int, workers: Sequence[int]) -> None:
    """The control plane's programs stand still from then on, or they would work on what is not there."""
    names = [f"team-{index}" for index in range(NAMESPACES)]
    _all(client, NAMESPACE, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names])
    while not set(names) <= _with_accounts(client):
        time.sleep(0.1)
    for worker in workers:
        os.kill(worker, signal.SIGSTOP)
    _all(client, NODE, [node(index) for index in range(nodes)])
    ready = {"spec": {"taints": None}}  # a new node is tainted until somebody sees it ready
    _checked(client.map(lambda i: objects.patch(client, NODE, None, f"node-{i}", ready, manager="b"), range(nodes)))
    for first in range(0, pods, 5000):
        _all(client, POD, [pod(index, nodes) for index in range(first, min(pods, first + 5000))])
        print(f"{first + 5000:,} of {pods:,} pods", file=sys.stderr, flush=True)


def _with_accounts(client: Client) -> set[str]:
    """The namespaces in which pods can be made: each has its service account."""
    found = objects.list_objects(client, ACCOUNT, fields="metadata.name=default").items
    return {one["metadata"]["namespace"] for one in found}


def _all(client: Client, kind: Resource, made: Sequence[Manifest]) -> None:
    _checked(client.map(lambda one: objects.create(client, kind, one, manager="bench"), made))


def _checked(results: Sequence[object]) -> None:
    wrong = next((one for one in results if isinstance(one, MlstackError)), None)
    if wrong is not None:
        raise BenchError(f"The cluster could not be filled: {wrong}")
