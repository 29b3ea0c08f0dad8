"""One control plane with the real Kueue and the real training operator, and an app whose jobs go through a queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack import sandbox
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect
from mlstack.sandbox import Sandbox
from tests.cluster.queues import kueue
from tests.cluster.queues.scenes import VERSION
from tests.cluster.shell import wait_established
from tests.upstream.crds import crd

Kubectl = Callable[..., str]
NAME = "queues"
KINDS = ("LocalQueue", "ClusterQueue", "ResourceFlavor", "Cohort", "Workload")
GPU, MODEL, A100 = "nvidia.com/gpu", "cloud.google.com/gke-accelerator", "nvidia-tesla-a100"


def _node(number: int) -> dict[str, Any]:
    size = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "100Gi", "pods": "110", GPU: "8"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"a100-{number}", "labels": {MODEL: A100}},
        "spec": {"taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}]},
        "status": {"allocatable": size},
    }


def _cpu_node() -> dict[str, Any]:
    node = _node(0)
    del node["status"]["allocatable"][GPU]
    return {**node, "metadata": {"name": "cpu-0"}, "spec": {}}


def quotas(gpus: int, namespace: str = "team") -> list[dict[str, Any]]:
    """A flavor for the A100 nodes, a ClusterQueue with so many GPUs, and a namespace's LocalQueue that leads to it."""
    flavor = {"nodeLabels": {MODEL: A100}, "tolerations": [{"key": GPU, "operator": "Exists"}]}
    entry: list[dict[str, Any]] = [
        {"name": GPU, "nominalQuota": gpus},
        {"name": "cpu", "nominalQuota": 64},
        {"name": "memory", "nominalQuota": "256Gi"},
        {"name": "ephemeral-storage", "nominalQuota": "100Gi"},
    ]
    group = {"coveredResources": [one["name"] for one in entry], "flavors": [{"name": "a100", "resources": entry}]}
    return [
        made("ResourceFlavor", "a100", flavor),
        made("ClusterQueue", "research", {"namespaceSelector": {}, "resourceGroups": [group]}),
        made("LocalQueue", "team-a", {"clusterQueue": "research"}, namespace=namespace),
    ]


def made(kind: str, name: str, spec: dict[str, Any], **metadata: str) -> dict[str, Any]:
    """An object of Kueue's."""
    return {"apiVersion": VERSION, "kind": kind, "metadata": {"name": name, **metadata}, "spec": spec}


@pytest.fixture(scope="module")
def defined(minikube: Sandbox, kubectl: Kubectl) -> Iterator[None]:
    """Kueue's kinds on the shared control plane by its own definitions, and nobody who works on them."""
    with defining(kubectl, "minikube"):
        yield


@contextmanager
def defining(kubectl: Kubectl, context: str) -> Iterator[None]:
    """Kueue's kinds on a control plane."""
    definitions = [{**crd(kind), "spec": {**crd(kind)["spec"], "conversion": {"strategy": "None"}}} for kind in KINDS]
    names = [f"crd/{one['metadata']['name']}" for one in definitions]
    sent = yaml.dump_all(definitions, Dumper=yaml.CSafeDumper)
    try:
        kubectl("apply", "--server-side", "-f", "-", context=context, stdin=sent)
        wait_established(kubectl, context, *(name.removeprefix("crd/") for name in names))
        yield
    finally:
        kubectl("delete", *names, context=context)


@pytest.fixture(scope="session")
def queued(
    session_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory, kubectl: Kubectl
) -> Iterator[Sandbox]:
    """Two nodes of 8 A100 each, one without; and Kueue."""
    place = tmp_path_factory.mktemp("kueue")
    (place / "nodes.yaml").write_text(yaml.safe_dump_all([_cpu_node(), _node(0), _node(1)]), "utf-8")
    certificates = tmp_path_factory.mktemp("certificates")
    try:
        made = sandbox.up(NAME, like="gke", context=NAME, nodes_file=place / "nodes.yaml", progress=lambda _: None)
        with kueue.running(certificates, NAME, kubectl):
            yield made
    finally:
        sandbox.down(NAME)


@pytest.fixture
def server(queued: Sandbox, kubeconfig: Path) -> Iterator[Client]:
    """A client of that control plane as its administrator."""
    with connect(NAME, str(kubeconfig)) as connected:
        yield connected
