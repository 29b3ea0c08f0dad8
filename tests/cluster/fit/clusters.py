"""Random clusters, the same for the same seed: nodes, and the pods that are on them."""

from __future__ import annotations

import random
from typing import Any

from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.requests import add, pod_requests
from mlstack.sandbox.nodes import SIMULATED
from tests.cluster.fit.nodeside import DEVICES

GPU, MIG = "nvidia.com/gpu", "nvidia.com/mig-1g.5gb"
ZONE = "topology.kubernetes.io/zone"
MODEL = "cloud.google.com/gke-accelerator"
GROUP = "oracle/cluster"
BOXED = "oracle-boxed"  # a RuntimeClass with overhead
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

Manifest = dict[str, Any]

# Priority classes: of pods that are there, and of jobs; MODEST's pods push nobody out, KEEN's do.
MODEST, KEEN, LOW, HIGH = "oracle-modest", "oracle-keen", "oracle-low", "oracle-high"
USUAL = "oracle-usual"  # the default of pods that name none, which changes nothing for them
PRIORITIES: dict[str, int] = {MODEST: 0, KEEN: 500, LOW: -100, HIGH: 1000}

POOLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {"cpu": "3920m", "memory": "13Gi", "pods": "110"}),
    ("", {"cpu": "2", "memory": "4000Mi", "pods": "8"}),
    ("nvidia-l4", {"cpu": "23850m", "memory": "85Gi", "pods": "110", GPU: "2"}),
    ("nvidia-l4", {"cpu": "7910m", "memory": "28651520Ki", "pods": "110", GPU: "1"}),
    ("nvidia-tesla-a100", {"cpu": "95690m", "memory": "640Gi", "pods": "110", GPU: "8"}),
    ("nvidia-tesla-t4", {"cpu": "15890m", "memory": "56Gi", "pods": "6", GPU: "4"}),
    ("nvidia-tesla-a100", {"cpu": "11890m", "memory": "82Gi", "pods": "110", MIG: "7"}),
)
DISK = {"ephemeral-storage": "50Gi"}
TAINTS: tuple[dict[str, str], ...] = (
    {"key": GPU, "value": "present", "effect": "NoSchedule"},
    {"key": "team", "value": "vision", "effect": "NoSchedule"},
    {"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NoSchedule"},
    {"key": "old", "effect": "PreferNoSchedule"},
    {"key": "drain", "effect": "NoExecute"},
)


def node(pick: random.Random, seed: int, index: int) -> Manifest:
    model, size = pick.choice(POOLS)
    name = f"oracle-{seed}-{index}"
    labels = {SIMULATED: "true", GROUP: f"seed-{seed}", "kubernetes.io/hostname": name}
    if pick.random() < 0.9:
        labels[ZONE] = pick.choice(("a", "b", "c"))
    if model:
        labels[MODEL] = model
    taints = [taint for taint in TAINTS if pick.random() < (0.6 if taint["key"] == GPU and model else 0.12)]
    spec: Manifest = {"taints": taints} if taints else {}
    if pick.random() < 0.08:
        spec["unschedulable"] = True
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": {"capacity": size | DISK, "allocatable": size | DISK},
    }


def _requests(pick: random.Random, device: str) -> dict[str, str]:
    asked = {
        "cpu": pick.choice(("100m", "250m", "1", "1500m", "2", "3")),
        "memory": pick.choice(("64Mi", "500M", "1Gi", "2.5Gi", "8Gi")),
    }
    return asked | ({device: str(pick.choice((1, 1, 1, 2, 4)))} if device else {})


def _container(pick: random.Random, name: str, device: str = "") -> Manifest:
    asked = _requests(pick, device)
    limits = {device: asked[device]} if device else {}
    if pick.random() < 0.2:
        return {"name": name, "image": "example/x", "resources": {"limits": asked}}
    return {"name": name, "image": "example/x", "resources": {"requests": asked, "limits": limits}}


def spec_of(pick: random.Random, device: str) -> Manifest:
    spec: Manifest = {"containers": [_container(pick, "main", device)], "restartPolicy": "Never"}
    if pick.random() < 0.2:
        spec["containers"].append(_container(pick, "side"))
    if pick.random() < 0.25:
        spec["initContainers"] = [_container(pick, f"init-{index}") for index in range(pick.randint(1, 3))]
        for container in spec["initContainers"]:
            if pick.random() < 0.4:
                container["restartPolicy"] = "Always"
    if pick.random() < 0.1:
        spec["resources"] = {"requests": {"cpu": "16", "memory": "30Gi"}}
    elif pick.random() < 0.1:
        spec["runtimeClassName"] = BOXED
    return spec


def there(pick: random.Random, seed: int, index: int, node: Manifest, other: str) -> Manifest:
    """A pod on a node; some live in the namespace `other`."""
    offered = [name for name in DEVICES if name in node["status"]["allocatable"]]
    device = offered[0] if offered and pick.random() < 0.6 else ""
    spec = spec_of(pick, device) | {"nodeName": node["metadata"]["name"], "tolerations": [{"operator": "Exists"}]}
    labels = {GROUP: f"seed-{seed}", "role": pick.choice(("worker", "web", "db"))}
    if pick.random() < 0.1:
        rule = term(pick, seed, pick.choice(("worker", "web")), other)
        spec["affinity"] = {"podAntiAffinity": {REQUIRED: [rule]}}
    if pick.random() < 0.1:
        spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": pick.choice((8080, 9090))}]
    metadata: Manifest = {"name": f"there-{seed}-{index}", "labels": labels}
    if pick.random() < 0.25:
        metadata["namespace"] = other
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def term(pick: random.Random, seed: int, role: str, other: str) -> Manifest:
    """Pods of a role, beside which or away from which a pod has to be; some terms look into another namespace."""
    selector = {"matchLabels": {GROUP: f"seed-{seed}", "role": role}}
    found: Manifest = {"labelSelector": selector, "topologyKey": pick.choice((ZONE, "kubernetes.io/hostname"))}
    if pick.random() < 0.15:
        found["namespaces"] = [other]
    elif pick.random() < 0.15:
        found["namespaceSelector"] = {}
    return found


def fitting(nodes: list[Manifest], pods: list[Manifest]) -> list[Manifest]:
    """Pods that their nodes' kubelets would take: none that asks for devices beyond the node's."""
    found = {room.name: room for room in rooms(nodes, [])}
    kept = []
    for pod in pods:
        room, needs = found[pod["spec"]["nodeName"]], pod_requests(pod)
        if all(room.free(name) >= number for name, number in needs.items()) and room.free("pods") > 0:
            add(room.used, needs)
            room.pods.append(pod)
            kept.append(pod)
    return kept
