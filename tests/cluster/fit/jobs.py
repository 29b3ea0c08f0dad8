"""Random jobs for random clusters, and what a namespace allows: the same for the same seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.cluster.fit import admission
from tests.cluster.fit.clusters import (
    BOXED,
    GPU,
    GROUP,
    HIGH,
    KEEN,
    LOW,
    MIG,
    MODEL,
    MODEST,
    REQUIRED,
    ZONE,
    Manifest,
    fitting,
    node,
    spec_of,
    term,
    there,
)
from tests.cluster.fit.nodeside import AMD, DEVICES, PASSING, SHARED, Side, change_nodes, change_pods, change_templates
from tests.cluster.fit.spaces import Space, space

ROLES = (*[("worker",)] * 4, ("worker", "chief"), ("worker", "chief", "ps"))
TOLERATIONS: tuple[dict[str, str], ...] = (
    {"key": GPU, "operator": "Exists", "effect": "NoSchedule"},
    {"key": "team", "operator": "Equal", "value": "vision"},
    {"key": "cloud.google.com/gke-spot", "operator": "Exists"},
    {"operator": "Exists"},
)


@dataclass(frozen=True)
class Scene:
    """A cluster: nodes with pods on them; the kinds of pods that a job asks for; what their namespace allows."""

    seed: int
    nodes: list[Manifest]
    pods: list[Manifest]
    templates: list[Manifest]
    space: Space = field(default_factory=Space)
    side: Side = field(default_factory=Side)

    @property
    def group(self) -> str:
        """The label value that keeps this scene's nodes and pods apart from the others'."""
        return f"seed-{self.seed}"

    @property
    def pushes(self) -> bool:
        """Whether the scheduler may push others out for the job."""
        return KEEN in str(self.templates[0]["spec"].get("priorityClassName"))


def scene(seed: int, most_nodes: int, other: str) -> Scene:
    """The scene of a seed; `other` is a namespace that all scenes share, beside each one's own."""
    pick = random.Random(seed)
    nodes = [node(pick, seed, index) for index in range(pick.randint(1, most_nodes))]
    change_nodes(seed, nodes)
    places = pick.choices(nodes, k=pick.randint(0, len(nodes) + 2))
    pods = fitting(nodes, [there(pick, seed, index, place, other) for index, place in enumerate(places)])
    change_pods(seed, pods)
    templates = [_template(pick, seed, role, other, nodes) for role in pick.choice(ROLES)]
    own = space(pick, [pod for pod in pods if "namespace" not in pod["metadata"]])
    for claim in own.claims:
        volume = {"name": "data", "persistentVolumeClaim": {"claimName": claim["metadata"]["name"]}}
        templates[0]["spec"]["volumes"] = [volume]
    _prioritize(random.Random(f"priorities of {seed}"), pods, templates, may_push=not own.quotas)
    admission.admit(seed, pods, templates, own)
    side = change_templates(seed, templates, mounts=bool(own.claims))
    return Scene(seed, nodes, pods, templates, own, side)


def _prioritize(pick: random.Random, pods: list[Manifest], templates: list[Manifest], *, may_push: bool) -> None:
    """Pods there of lower, equal and higher priority than the job's; in a third of the scenes that may push them out.

    Not where a quota counts: pods that are pushed out make room in it while the job's are still being created.
    """
    for pod in pods:
        if chosen := pick.choice(("", "", LOW, HIGH)):
            pod["spec"]["priorityClassName"] = chosen
    own = KEEN if may_push and pick.random() < 0.4 else MODEST
    for template in templates:
        template["spec"]["priorityClassName"] = own


def _template(pick: random.Random, seed: int, role: str, other: str, nodes: list[Manifest]) -> Manifest:
    """Mostly it asks for what some node offers: a job that no node takes tells little."""
    offered = [name for one in nodes for name in DEVICES if name in one["status"]["allocatable"]]
    device = pick.choice(offered or [GPU]) if role == "worker" and pick.random() < 0.8 else ""
    spec = spec_of(pick, device)
    spec["nodeSelector"] = {GROUP: f"seed-{seed}"}
    if device and pick.random() < 0.25:
        having = (one for one in nodes if device in one["status"]["allocatable"])
        models = [model for one in having if (model := one["metadata"]["labels"].get(MODEL))]
        spec["nodeSelector"][MODEL] = pick.choice(models or ["nvidia-l4"])
    spec["tolerations"] = [one for one in TOLERATIONS if pick.random() < (0.85 if one.get("key") == GPU else 0.12)]
    for rule in (_spread, _apart, _near, _models, _port):
        if pick.random() < (0.13 if role == "worker" else 0.04):
            rule(pick, seed, role, spec, other)
    labels = {GROUP: f"seed-{seed}", "role": role}
    return {"metadata": {"labels": labels}, "spec": spec}


def _spread(pick: random.Random, seed: int, role: str, spec: Manifest, _other: str) -> None:
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


def _apart(pick: random.Random, seed: int, role: str, spec: Manifest, other: str) -> None:
    rule = term(pick, seed, pick.choice((role, "web")), other)
    spec.setdefault("affinity", {})["podAntiAffinity"] = {REQUIRED: [rule]}


def _near(pick: random.Random, seed: int, role: str, spec: Manifest, other: str) -> None:
    rule = term(pick, seed, pick.choice((role, "db")), other)
    spec.setdefault("affinity", {})["podAffinity"] = {REQUIRED: [rule]}


def _models(pick: random.Random, _seed: int, _role: str, spec: Manifest, _other: str) -> None:
    operator = pick.choice(("In", "NotIn", "Exists", "DoesNotExist"))
    values = {"values": ["nvidia-l4", "nvidia-tesla-t4"]} if operator in ("In", "NotIn") else {}
    terms = [{"matchExpressions": [{"key": MODEL, "operator": operator, **values}]}]
    spec.setdefault("affinity", {})["nodeAffinity"] = {REQUIRED: {"nodeSelectorTerms": terms}}


def _port(pick: random.Random, _seed: int, _role: str, spec: Manifest, _other: str) -> None:
    spec["containers"][0]["ports"] = [{"containerPort": 80, "hostPort": pick.choice((8080, 9090))}]


HAS: dict[str, Callable[[Scene], bool]] = {
    "more than 20 nodes": lambda scene: len(scene.nodes) > 20,
    "cordons": lambda scene: any(one["spec"].get("unschedulable") for one in scene.nodes),
    "taints": lambda scene: any(one["spec"].get("taints") for one in scene.nodes),
    "mixed models": lambda scene: len({one["metadata"]["labels"].get(MODEL) for one in scene.nodes}) > 2,
    "pods there": lambda scene: bool(scene.pods),
    "init containers": lambda scene: any("initContainers" in one["spec"] for one in scene.templates),
    "pod-level resources": lambda scene: any("resources" in one["spec"] for one in scene.templates),
    "overhead": lambda scene: any(one["spec"].get("runtimeClassName") == BOXED for one in scene.templates),
    "MIG": lambda scene: MIG in str(scene.templates),
    "GPUs": lambda scene: GPU in str([one["spec"]["containers"] for one in scene.templates]),
    "AMD or shared GPUs": lambda scene: AMD in str(scene.templates) or SHARED in str(scene.templates),
    "drivers not ready": lambda scene: "'nvidia.com/gpu': '0'" in str(scene.nodes),
    "taints that pass": lambda scene: any(one["key"] in str(scene.nodes) for one in PASSING),
    "terms with keys": lambda scene: "atchLabelKeys" in str(scene.templates),
    "late volumes": lambda scene: bool(scene.side.classes),
    "attach limits": lambda scene: bool(scene.side.csi_nodes),
    "host ports": lambda scene: "hostPort" in str(scene.templates),
    "affinity": lambda scene: "podAffinity" in str(scene.templates),
    "anti-affinity": lambda scene: "podAntiAffinity" in str(scene.templates),
    "others' anti-affinity": lambda scene: "podAntiAffinity" in str(scene.pods),
    "spread": lambda scene: "topologySpreadConstraints" in str(scene.templates),
    "quota": lambda scene: bool(scene.space.quotas),
    "limit range": lambda scene: bool(scene.space.ranges),
    "volume in a zone": lambda scene: bool(scene.space.claims),
    "several roles": lambda scene: len(scene.templates) == 2,
    "lower priorities there": lambda scene: LOW in str(scene.pods),
    "jobs that push others out": lambda scene: scene.pushes and bool(scene.pods),
    "chief, workers and ps": lambda scene: len(scene.templates) == 3,
    **admission.HAS,
}
"""What scenes may have, by the words in which the tests tell how often they had it."""
