"""The simulated nodes of a sandbox: those of a small minikube, those of a GKE with GPUs, or the user's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from mlstack.errors import MlstackError

SIMULATED = "mlstack.dev/simulated"
"""The label on every node of a sandbox."""

GPU = "nvidia.com/gpu"
Node = dict[str, Any]


@dataclass(frozen=True)
class Like:
    """What a platform brings: its nodes, and its default StorageClass with the provisioner it names."""

    nodes: Callable[[], list[Node]]
    storage_class: str
    provisioner: str
    binding: str


def _node(name: str, labels: Mapping[str, str], allocatable: Mapping[str, str], *, gpu_taint: bool = False) -> Node:
    common = {
        "kubernetes.io/hostname": name,
        "kubernetes.io/os": "linux",
        "kubernetes.io/arch": "amd64",
        SIMULATED: "true",
    }
    taints = [{"key": GPU, "value": "present", "effect": "NoSchedule"}] if gpu_taint else []
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {**common, **labels}},
        "spec": {"taints": taints},
        "status": {"capacity": dict(allocatable), "allocatable": dict(allocatable)},
    }


def minikube_nodes() -> list[Node]:
    """One node as `minikube start` makes by default: 2 CPUs, 4 GB, no GPU."""
    labels = {
        "minikube.k8s.io/name": "minikube",
        "minikube.k8s.io/primary": "true",
        "minikube.k8s.io/version": "v1.37.0",
        "node-role.kubernetes.io/control-plane": "",
        "node.kubernetes.io/exclude-from-external-load-balancers": "",
    }
    size = {"cpu": "2", "memory": "4000Mi", "ephemeral-storage": "20Gi", "pods": "110"}
    return [_node("minikube", labels, size)]


@dataclass(frozen=True)
class Pool:
    """A GKE node pool: machine type, how many, what a pod can have of one node, and its GPUs."""

    name: str
    machine: str
    count: int
    cpu: str
    memory: str
    accelerator: str = ""
    gpus: int = 0


GKE_POOLS = (
    Pool("default-pool", "e2-standard-4", 2, "3920m", "13Gi"),
    Pool("l4-pool", "g2-standard-24", 3, "23850m", "85Gi", "nvidia-l4", 2),
    Pool("a100-pool", "a2-highgpu-8g", 1, "95690m", "640Gi", "nvidia-tesla-a100", 8),
)
GKE_REGION = "us-central1"


def gke_nodes() -> list[Node]:
    """A zonal mix of GKE pools: two CPU nodes, three with two L4 each, one with eight A100; GPU nodes are tainted."""
    return [_gke_node(pool, index) for pool in GKE_POOLS for index in range(pool.count)]


def _gke_node(pool: Pool, index: int) -> Node:
    zone = f"{GKE_REGION}-{'abc'[index % 3]}"
    labels = {
        "cloud.google.com/gke-nodepool": pool.name,
        "cloud.google.com/gke-os-distribution": "cos",
        "cloud.google.com/gke-container-runtime": "containerd",
        "cloud.google.com/machine-family": pool.machine.partition("-")[0],
        "node.kubernetes.io/instance-type": pool.machine,
        "topology.kubernetes.io/region": GKE_REGION,
        "topology.kubernetes.io/zone": zone,
    }
    size = {"cpu": pool.cpu, "memory": pool.memory, "ephemeral-storage": "47Gi", "pods": "110"}
    if pool.gpus:
        labels |= {
            "cloud.google.com/gke-accelerator": pool.accelerator,
            "cloud.google.com/gke-accelerator-count": str(pool.gpus),
            "cloud.google.com/gke-gpu-driver-version": "default",
        }
        size[GPU] = str(pool.gpus)
    return _node(f"gke-sandbox-{pool.name}-{index}", labels, size, gpu_taint=bool(pool.gpus))


LIKE = {
    "minikube": Like(minikube_nodes, "standard", "k8s.io/minikube-hostpath", "Immediate"),
    "gke": Like(gke_nodes, "standard-rwo", "pd.csi.storage.gke.io", "WaitForFirstConsumer"),
}


def read_nodes(path: Path) -> list[Node]:
    """The user's own Node manifests (YAML, several documents, or a List). Raises MlstackError naming what is wrong."""
    try:
        documents = list(yaml.safe_load_all(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise MlstackError(f"The nodes file {path} can't be read: {error.strerror}.") from error
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise MlstackError(f"The nodes file {path}{line} is no YAML: {error.problem}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:  # characters that no YAML may have
        raise MlstackError(f"The nodes file {path} is no text in UTF-8.") from error
    nodes = [_checked(node, path) for document in documents if document is not None for node in _flat(document)]
    if not nodes:
        raise MlstackError(f"{path} has no Node in it.", "Give at least one manifest of kind Node.")
    return nodes


def _flat(document: Any) -> list[Any]:
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
        return list(document.get("items") or [])
    return [document]


def _checked(node: Any, path: Path) -> Node:
    kind = node.get("kind") if isinstance(node, dict) else type(node).__name__
    if kind != "Node" or node.get("apiVersion") != "v1":
        raise MlstackError(f"{path} may hold only objects of kind Node (v1), but there is one of kind {kind}.")
    given = _mapping(node, "metadata", f"{path}: a Node")
    name = given.get("name")
    if not name:
        raise MlstackError(f"{path}: a Node has no metadata.name.")
    where = f"{path}: Node {name}"
    metadata = {key: value for key, value in given.items() if key in ("name", "labels", "annotations")}
    metadata["labels"] = {"kubernetes.io/hostname": name, **_mapping(given, "labels", where), SIMULATED: "true"}
    status = _mapping(node, "status", where)
    capacity = _mapping(status, "capacity", where)
    size = _mapping(status, "allocatable", where) or capacity
    if not size:
        raise MlstackError(f"{where} has no status.allocatable.", "Say there what it has: cpu, memory, pods.")
    whole = {"pods": "110", **{key: str(value) for key, value in size.items()}}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": metadata,
        "spec": {"taints": _mapping(node, "spec", where).get("taints") or []},
        "status": {"capacity": {**whole, **capacity}, "allocatable": whole},
    }


def _mapping(holder: Mapping[str, Any], field: str, where: str) -> dict[str, Any]:
    """A field that has to be a mapping; empty if it is not there."""
    found = holder.get(field) or {}
    if not isinstance(found, dict):
        raise MlstackError(f"{where}: {field} is {found!r}, and has to be a mapping.")
    return found


def storage_class(like: str) -> dict[str, Any]:
    """The default StorageClass, called as the platform calls its own."""
    kind = LIKE[like]
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": kind.storage_class,
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": kind.provisioner,
        "reclaimPolicy": "Delete",
        "allowVolumeExpansion": kind.binding == "WaitForFirstConsumer",
        "volumeBindingMode": kind.binding,
    }
