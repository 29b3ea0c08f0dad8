"""Accelerators on nodes: their model, whether they are shared or sliced, and who holds them.

Sources: label names of GKE, GPU Feature Discovery, Karpenter, EKS, AKS and AMD's labeller.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping

from mlstack.plan.fit.labels import Labels
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.requests import amounts, pod_requests

MODEL_LABELS = (
    "cloud.google.com/gke-accelerator",
    "cloud.google.com/gke-tpu-accelerator",
    "nvidia.com/gpu.product",
    "karpenter.k8s.aws/instance-gpu-name",
    "eks.amazonaws.com/instance-gpu-name",
    "gpu.nvidia.com/class",
    "amd.com/gpu.product-name",
    "beta.amd.com/gpu.product-name",
)
SPOT_LABELS = (
    ("cloud.google.com/gke-spot", "true"),
    ("cloud.google.com/gke-preemptible", "true"),
    ("karpenter.sh/capacity-type", "spot"),
    ("eks.amazonaws.com/capacityType", "SPOT"),
    ("kubernetes.azure.com/scalesetpriority", "spot"),
)
GPU, TPU = "nvidia.com/gpu", "google.com/tpu"
TPU_TOPOLOGY = "cloud.google.com/gke-tpu-topology"
GKE_SHARED, GFD_REPLICAS = "cloud.google.com/gke-max-shared-clients-per-gpu", "nvidia.com/gpu.replicas"
JOB_LABELS = (
    "training.kubeflow.org/job-name",
    "jobset.sigs.k8s.io/jobset-name",
    "batch.kubernetes.io/job-name",
    "app.kubernetes.io/instance",
)


def model_of(labels: Labels, types: Mapping[str, str]) -> str:
    """What people call a node's accelerators: the platform's short name, else the label's own value; "" if unsaid."""
    value = next((labels[key] for key in MODEL_LABELS if labels.get(key)), "")
    return next((short for short, long in types.items() if long == value), value)


def is_spot(labels: Labels) -> bool:
    """Whether a node may be taken away at any time."""
    return any(labels.get(key) == value for key, value in SPOT_LABELS)


def single(labels: Labels, resource: str) -> bool:
    """Whether a container may have one device only: time-shared GPUs, and slices that look like whole ones."""
    several = _more_than_one(labels.get(GKE_SHARED)) or _more_than_one(labels.get(GFD_REPLICAS))
    sliced = (
        bool(labels.get("cloud.google.com/gke-gpu-partition-size")) or labels.get("nvidia.com/mig.strategy") == "single"
    )
    return several or sliced or resource.startswith("nvidia.com/mig-")


def house_rule(room: Room, pod: Pod, needs: Mapping[str, int]) -> str:
    """Why a node's platform would not run a pod that its devices are enough for, in words; "" where it would.

    Source: GKE's rules for time-shared GPUs (one for each container) and TPUs (all chips of a host).
    """
    if needs.get(TPU) and TPU_TOPOLOGY in room.labels and needs[TPU] != room.allocatable.get(TPU):
        return "all chips of a host"
    if _more_than_one(room.labels.get(GKE_SHARED)) and _most_of_one(pod, GPU) > 1:
        return "one time-shared GPU"
    return ""


def doubt(room: Room, pod: Pod, needs: Mapping[str, int]) -> str:
    """Why it cannot be told whether a node would run a pod that finds room on it, in words; "" where it can."""
    topology = room.labels.get(TPU_TOPOLOGY, "")
    if needs.get(TPU) and _chips(topology) > needs[TPU]:
        return f"a TPU slice of {topology} spans several nodes, and takes a job of just so many pods"
    if _more_than_one(room.labels.get(GFD_REPLICAS)) and _most_of_one(pod, GPU) > 1:
        return f"{room.name} shares its GPUs, and may refuse containers that ask for more than one"
    return ""


def _more_than_one(label: str | None) -> bool:
    return bool(label) and str(label).isdigit() and int(str(label)) > 1


def _chips(topology: str) -> int:
    """`2x4` is 8 chips; 0 for what is no topology."""
    sides = topology.split("x")
    return math.prod(map(int, sides)) if all(side.isdigit() for side in sides) else 0


def _most_of_one(pod: Pod, resource: str) -> int:
    """The most devices that one container asks for."""
    asked = ((one.get("resources") or {}) for one in pod["spec"]["containers"])
    return max(amounts({**(r.get("requests") or {}), **(r.get("limits") or {})}).get(resource, 0) for r in asked)


def unready(room: Room, resource: str) -> bool:
    """Whether a node is labelled as one with accelerators, but offers none: its driver or plugin is not there."""
    return not room.allocatable.get(resource) and any(room.labels.get(key) for key in MODEL_LABELS)


def holders(room: Room, resource: str) -> Counter[tuple[str, str]]:
    """Who holds how many of a node's devices, by (namespace, name of the job or service)."""
    found: Counter[tuple[str, str]] = Counter()
    for pod in room.pods if room.used.get(resource) else ():
        held = pod_requests(pod).get(resource, 0)
        if held:
            found[(pod["metadata"].get("namespace") or "default", holder(pod))] += held
    return found


def holder(pod: Pod) -> str:
    """What a pod belongs to, as its people know it."""
    metadata = pod["metadata"]
    labels = metadata.get("labels") or {}
    named = next((labels[key] for key in JOB_LABELS if labels.get(key)), "")
    owners = metadata.get("ownerReferences") or ()
    return str(named or (owners[0]["name"] if owners else metadata.get("name", "")))
