"""Accelerators on nodes: their model, whether they are shared or sliced, and who holds them.

Sources: label names of GKE, GPU Feature Discovery, Karpenter, EKS, AKS and AMD's labeller.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping

from mlstack.plan.fit.labels import Labels
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.requests import amounts, pod_requests

NVIDIA, AMD, GOOGLE, INTEL = "nvidia.com", "amd.com", "google.com", "gpu.intel.com"
# Labels that say the model, with the vendor; "" where the same label is used for several.
MODEL_LABELS = {
    "cloud.google.com/gke-accelerator": NVIDIA,
    "cloud.google.com/gke-tpu-accelerator": GOOGLE,
    "nvidia.com/gpu.product": NVIDIA,
    "karpenter.k8s.aws/instance-gpu-name": "",
    "eks.amazonaws.com/instance-gpu-name": "",
    "gpu.nvidia.com/class": NVIDIA,
    "amd.com/gpu.product-name": AMD,
    "beta.amd.com/gpu.product-name": AMD,
}
# Labels that say no more than that there are some: (key, value) by vendor.
PRESENT_LABELS = (
    ("kubernetes.azure.com/accelerator", "nvidia", NVIDIA),
    ("kubernetes.azure.com/accelerator", "amd", AMD),
    ("nvidia.com/gpu.present", "true", NVIDIA),
    ("feature.node.kubernetes.io/pci-10de.present", "true", NVIDIA),
    ("feature.node.kubernetes.io/amd-gpu", "true", AMD),
)
MAKER_LABELS = ("karpenter.k8s.aws/instance-gpu-manufacturer", "eks.amazonaws.com/instance-gpu-manufacturer")
COUNT_LABELS = (
    "cloud.google.com/gke-accelerator-count",
    "nvidia.com/gpu.count",
    "karpenter.k8s.aws/instance-gpu-count",
    "eks.amazonaws.com/instance-gpu-count",
)
CHANGING = ("nvidia.com/mig.config.state", ("pending", "rebooting"))  # slices are about to be made, or taken away
MANY = 1024  # devices on a node of which it is not known how many it will offer
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


def vendor(resource: str) -> str:
    """`nvidia.com` of nvidia.com/gpu and nvidia.com/mig-1g.5gb; "" for what is no device."""
    domain, slash, _ = resource.partition("/")
    return domain if slash else ""


def unready(room: Room, resource: str) -> bool:
    """Whether a node is labelled as one with a vendor's accelerators, but offers none: its driver is not there yet.

    One that offers others of the vendor's devices is ready, and does not have those that are asked for.
    """
    if room.allocatable.get(resource):
        return False
    if room.labels.get(CHANGING[0]) in CHANGING[1] and vendor(resource) == NVIDIA:
        return True
    return _labelled(room.labels, vendor(resource)) and not offered(room, vendor(resource))


def offered(room: Room, of: str) -> dict[str, int]:
    """The devices that a node offers of a vendor's."""
    return {name: number for name, number in room.allocatable.items() if number and of and vendor(name) == of}


def promised(room: Room, resources: Iterable[str]) -> dict[str, int]:
    """The devices that a node will offer once its driver is ready: as many as its labels say, else any number."""
    return {name: _count(room.labels, name) for name in resources if vendor(name) and unready(room, name)}


def _count(labels: Labels, resource: str) -> int:
    said = next((labels[key] for key in COUNT_LABELS if labels.get(key, "").isdigit()), "")
    return int(said) if said and resource == GPU and not _more_than_one(labels.get(GKE_SHARED)) else MANY


def _labelled(labels: Labels, of: str) -> bool:
    """Whether a node's labels say that it has accelerators of a vendor."""
    if not of:
        return False
    if any(labels.get(key) == value and of == whose for key, value, whose in PRESENT_LABELS):
        return True
    maker = next((labels[key] for key in MAKER_LABELS if key in labels), "")
    models = {whose for key, whose in MODEL_LABELS.items() if labels.get(key)}
    return of in models or ("" in models and of in (NVIDIA, AMD, INTEL) and maker in ("", of.partition(".")[0]))


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
