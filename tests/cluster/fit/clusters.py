"""Random clusters and jobs for them, the same for the same seed."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.requests import add, pod_requests
from mlstack.sandbox.nodes import SIMULATED

GPU = "nvidia.com/gpu"
ZONE = "topology.kubernetes.io/zone"
MODEL = "cloud.google.com/gke-accelerator"
GROUP = "oracle/cluster"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

Manifest = dict[str, Any]

POOLS: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {"cpu": "3920m", "memory": "13Gi", "pods": "110"}),
    ("", {"cpu": "2", "memory": "4000Mi", "pods": "8"}),
    ("nvidia-l4", {"cpu": "23850m", "memory": "85Gi", "pods": "110", GPU: "2"}),
    ("nvidia-l4", {"cpu": "7910m", "memory": "28651520Ki", "pods": "110", GPU: "1"}),
    ("nvidia-tesla-a100", {"cpu": "95690m", "memory": "640Gi", "pods": "110", GPU: "8"}),
    ("nvidia-tesla-t4", {"cpu": "15890m", "memory": "56Gi", "pods": "6", GPU: "4"}),
)
TAINTS: tuple[dict[str, str], ...] = (
    {"key": GPU, "value": "present", "effect": "NoSchedule"},
    {"key": "team", "value": "vision", "effect": "NoSchedule"},
    {"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NoSchedule"},
    {"key": "old", "effect": "PreferNoSchedule"},
)
TOLERATIONS: tuple[dict[str, str], ...] = (
    {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
    {"key": "team", "operator": "Equal", "value": "vision"},
    {"key": "cloud.google.com/gke-spot", "operator": "Exists"},
    {"operator": "Exists"},
)


@dataclass(frozen=True)
class Scene:
    """A cluster's nodes, the pods that it has, and the kinds of pods that a job asks for."""

    seed: int
    nodes: list[Manifest]
    pods: list[Manifest]
    templates: list[Manifest]

    @property
    def group(self) -> str:
        """The label value that keeps this scene's nodes and pods apart from the others'."""
        return f"seed-{self.seed}"


def scene(seed: int, most_nodes: int) -> Scene:
    """The scene of a seed."""
    pick = random.Random(seed)
    nodes = [_node(pick, seed, index) for index in range(pick.randint(1, most_nodes))]
    there = [
        _there(pick, seed, index, node)
        for index, node in enumerate(pick.choices(nodes, k=pick.randint(0, 2 * len(nodes))))
    ]
    templates = [_template(pick, seed, role) for role in ("worker", "chief")[: pick.choice((1, 1, 2))]]
    return Scene(seed, nodes, _fitting(nodes, there), templates)


def _node(pick: random.Random, seed: int, index: int) -> Manifest:
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
        "status": {"capacity": size, "allocatable": size},
    }


def _requests(pick: random.Random, *, gpus: bool) -> dict[str, str]:
    asked = {
        "cpu": pick.choice(("100m", "250m", "1", "1500m", "2", "3")),
        "memory": pick.choice(("64Mi", "500M", "1Gi", "2.5Gi", "8Gi")),
    }
    return asked | ({GPU: str(pick.choice((1, 1, 1, 2, 4)))} if gpus else {})


def _container(pick: random.Random, name: str, *, gpus: bool = False) -> Manifest:
    asked = _requests(pick, gpus=gpus)
    limits = {GPU: asked[GPU]} if gpus else {}
    if pick.random() < 0.2:
        return {"name": name, "image": "example/x", "resources": {"limits": asked}}
    return {"name": name, "image": "example/x", "resources": {"requests": asked, "limits": limits}}


def _spec(pick: random.Random, *, gpus: bool) -> Manifest:
    spec: Manifest = {"containers": [_container(pick, "main", gpus=gpus)], "restartPolicy": "Never"}
    if pick.random() < 0.2:
        spec["containers"].append(_container(pick, "side"))
    if pick.random() < 0.25:
        spec["initContainers"] = [_container(pick, f"init-{index}") for index in range(pick.randint(1, 3))]
        for container in spec["initContainers"]:
            if pick.random() < 0.4:
                container["restartPolicy"] = "Always"
    if pick.random() < 0.1:
        spec["resources"] = {"requests": {"cpu": "16", "memory": "30Gi"}}
    return spec


def _there(pick: random.Random, seed: int, index: int, node: Manifest) -> Manifest:
    gpus = GPU in node["status"]["allocatable"] and pick.random() < 0.6
    spec = _spec(pick, gpus=gpus) | {"nodeName": node["metadata"]["name"], "tolerations": [{"operator": "Exists"}]}
    labels = {GROUP: f"seed-{seed}", "role": pick.choice(("worker", "web", "db"))}
    if pick.random() < 0.1:
        spec["affinity"] = {"podAntiAffinity": {REQUIRED: [_term(pick, seed, pick.choice(("worker", "web")))]}}
    if pick.random() < 0.1:
        spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": pick.choice((8080, 9090))}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": f"there-{seed}-{index}", "labels": labels},
        "spec": spec,
    }


def _term(pick: random.Random, seed: int, role: str) -> Manifest:
    selector = {"matchLabels": {GROUP: f"seed-{seed}", "role": role}}
    return {"labelSelector": selector, "topologyKey": pick.choice((ZONE, "kubernetes.io/hostname"))}


def _template(pick: random.Random, seed: int, role: str) -> Manifest:
    spec = _spec(pick, gpus=role == "worker" and pick.random() < 0.8)
    spec["nodeSelector"] = {GROUP: f"seed-{seed}"}
    if pick.random() < 0.3:
        spec["nodeSelector"][MODEL] = pick.choice(("nvidia-l4", "nvidia-tesla-a100"))
    spec["tolerations"] = [one for one in TOLERATIONS if pick.random() < (0.85 if one.get("key") == GPU else 0.12)]
    for rule in (_spread, _apart, _near, _models, _port):
        if pick.random() < 0.13:
            rule(pick, seed, role, spec)
    labels = {GROUP: f"seed-{seed}", "role": role}
    return {"metadata": {"labels": labels}, "spec": spec}


def _spread(pick: random.Random, seed: int, role: str, spec: Manifest) -> None:
    selector = {"matchLabels": {GROUP: f"seed-{seed}", "role": pick.choice((role, role, "web"))}}
    constraint: Manifest = {"topologyKey": pick.choice((ZONE, "kubernetes.io/hostname")), "labelSelector": selector}
    constraint |= {
        "maxSkew": pick.choice((1, 1, 2)),
        "whenUnsatisfiable": pick.choice(("DoNotSchedule",) * 3 + ("ScheduleAnyway",)),
    }
    if constraint["whenUnsatisfiable"] == "DoNotSchedule" and pick.random() < 0.3:
        constraint["minDomains"] = pick.choice((2, 4))
    if pick.random() < 0.3:
        constraint["nodeTaintsPolicy"] = "Honor"
    if pick.random() < 0.2:
        constraint["nodeAffinityPolicy"] = "Honor"
    spec["topologySpreadConstraints"] = [constraint]


def _apart(pick: random.Random, seed: int, role: str, spec: Manifest) -> None:
    term = _term(pick, seed, pick.choice((role, "web")))
    spec.setdefault("affinity", {})["podAntiAffinity"] = {REQUIRED: [term]}


def _near(pick: random.Random, seed: int, role: str, spec: Manifest) -> None:
    term = _term(pick, seed, pick.choice((role, "db")))
    spec.setdefault("affinity", {})["podAffinity"] = {REQUIRED: [term]}


def _models(pick: random.Random, _seed: int, _role: str, spec: Manifest) -> None:
    operator = pick.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    values = {"values": ["nvidia-l4", "nvidia-tesla-t4"]} if operator in ("In", "NotIn") else {}
    term = {"matchExpressions": [{"key": MODEL, "operator": operator, **values}]}
    spec.setdefault("affinity", {})["nodeAffinity"] = {REQUIRED: {"nodeSelectorTerms": [term]}}


def _port(pick: random.Random, _seed: int, _role: str, spec: Manifest) -> None:
    spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": pick.choice((8080, 9090))}]


def _fitting(nodes: list[Manifest], pods: list[Manifest]) -> list[Manifest]:
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
