"""What the API server and its admission make of random jobs: ports, defaults, quotas, limit ranges; kinds of jobs."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from mlstack.compose.manifests import copied
from mlstack.plan.fit.operated import KUBECTL, WAIT_FOR_MASTER
from mlstack.plan.fit.spark import made_pods
from tests.cluster.fit.clusters import GPU, GROUP, LOW, REQUIRED, USUAL, ZONE, Manifest
from tests.cluster.fit.spaces import Space

CPUS, BYTES = ("1.1", "0.33", "2.2", "0.001"), ("2.2Gi", "0.7G", "1e9", "1500M", "1234567890")
ADDED: tuple[Manifest, ...] = (KUBECTL, WAIT_FOR_MASTER)
ELSEWHERE = {"scopes": ["CrossNamespacePodAffinity"]}


def _scoped(name: str, operator: str, *values: str) -> Manifest:
    rule = {"scopeName": name, "operator": operator, **({"values": list(values)} if values else {})}
    return {"scopeSelector": {"matchExpressions": [rule]}}


QUOTAS: tuple[Manifest, ...] = (
    {"hard": {"pods": "1"}, "scopes": ["BestEffort"]},
    {"hard": {"pods": "3"}, "scopes": ["NotBestEffort"]},
    {"hard": {"pods": "0"}, "scopes": ["Terminating"]},
    {"hard": {"pods": "2"}, "scopes": ["NotTerminating"]},
    {"hard": {"pods": "1"}, **ELSEWHERE},
    {"hard": {"pods": "2"}, **_scoped("PriorityClass", "In", USUAL)},
    {"hard": {"pods": "0"}, **_scoped("PriorityClass", "DoesNotExist")},
    {"hard": {"cpu": "100"}, **_scoped("PriorityClass", "NotIn", USUAL)},
    {"hard": {"requests.ephemeral-storage": "12Gi"}},
    {"hard": {"limits.cpu": "300m"}},
    {"hard": {f"limits.{GPU}": "0", GPU: "0"}},  # which nobody counts
    {"hard": {"count/pods": "40", "services": "0", "count/jobs.batch": "0"}},
)
RANGES: tuple[Manifest, ...] = (
    {"type": "Container", "min": {"memory": "16Mi"}},
    {"type": "Container", "max": {"ephemeral-storage": "1Gi"}},
    {"type": "Container", "default": {"ephemeral-storage": "2Gi"}, "min": {"ephemeral-storage": "1Gi"}},
    {"type": "Pod", "max": {"cpu": "6"}},
    {"type": "Pod", "maxLimitRequestRatio": {"memory": "4"}},
    {"type": "Container", "default": {"cpu": "500m"}, "defaultRequest": {"cpu": "0.25"}, "max": {"cpu": "2.5"}},
    {"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}},
)


def admit(seed: int, pods: list[Manifest], templates: list[Manifest], space: Space) -> None:
    """Changes a scene's jobs and its namespace, the same for the same seed."""
    pick = random.Random(f"admission of {seed}")
    if pick.random() < 0.12 and len(templates) == 1:
        _spark(pick, templates)
    for template in templates:
        for change, often in CHANGES.items():
            if pick.random() < often:
                change(pick, template)
    if len(templates) > 1 and pick.random() < 0.5:
        _trains(templates)
    if not space.quotas and not any("volumes" in one["spec"] for one in templates) and pick.random() < 0.3:
        spec = pick.choice(QUOTAS)
        space.quotas.append(_named("ResourceQuota", spec))
        _usual(pods, templates)
    if not space.ranges and pick.random() < 0.2:
        space.ranges.append(_named("LimitRange", {"limits": [pick.choice(RANGES)]}))


def _named(kind: str, spec: Manifest) -> Manifest:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "team"}, "spec": spec}


def _network(pick: random.Random, template: Manifest) -> None:
    """The node's network, with a port of some kind of container, which is a port of the node then."""
    spec = template["spec"]
    if "hostPort" in str(spec):
        return
    spec["hostNetwork"] = True
    containers = [*spec["containers"], *spec.get("initContainers", ())]
    pick.choice(containers)["ports"] = [{"containerPort": pick.choice((8080, 9090, 7000))}]


def _start_ports(pick: random.Random, template: Manifest) -> None:
    """A port of the node that only an init container takes."""
    init = template["spec"].get("initContainers")
    if init and "hostPort" not in str(template["spec"]) and "hostNetwork" not in template["spec"]:
        pick.choice(init)["ports"] = [{"containerPort": 80, "hostPort": 8080}]


def _decimals(pick: random.Random, template: Manifest) -> None:
    for container in template["spec"]["containers"]:
        sized = [one for one in container["resources"].values() if one.keys() & {"cpu", "memory"}]
        if len(sized) == 1:  # else a request could be more than its limit
            sized[0] |= {"cpu": pick.choice(CPUS), "memory": pick.choice(BYTES)}


def _added(pick: random.Random, template: Manifest) -> None:
    added = {**copied(pick.choice(ADDED)), "image": "example/x"}
    template["spec"].setdefault("initContainers", []).append(added)


def _bare(_pick: random.Random, template: Manifest) -> None:
    """Devices alone, or nothing at all: QoS class BestEffort."""
    template["spec"].pop("resources", None)
    for container in (*template["spec"]["containers"], *template["spec"].get("initContainers", ())):
        for amounts in container["resources"].values():
            for name in ("cpu", "memory", "ephemeral-storage"):
                amounts.pop(name, None)


def _deadline(_pick: random.Random, template: Manifest) -> None:
    template["spec"]["activeDeadlineSeconds"] = 100_000


def _elsewhere(pick: random.Random, template: Manifest) -> None:
    """A wish to be near pods of another namespace: no rule, but a scope of quotas."""
    term = {"labelSelector": {}, "topologyKey": ZONE, "namespaces": ["kube-system"]}
    affinity = template["spec"].setdefault("affinity", {}).setdefault("podAffinity", {})
    affinity[REQUIRED.replace("required", "preferred")] = [{"weight": pick.randint(1, 9), "podAffinityTerm": term}]


CHANGES: dict[Callable[[random.Random, Manifest], None], float] = {
    _network: 0.15,
    _start_ports: 0.3,
    _decimals: 0.2,
    _added: 0.15,
    _bare: 0.1,
    _deadline: 0.1,
    _elsewhere: 0.08,
}


def _trains(templates: list[Manifest]) -> None:
    """A chief that trains as the workers do: with their GPUs."""
    own = templates[0]["spec"]["containers"][0]["resources"]
    templates[1]["spec"]["containers"][0]["resources"] = copied(own)
    for key in ("nodeSelector", "tolerations"):
        templates[1]["spec"][key] = copied(templates[0]["spec"].get(key) or ([] if key == "tolerations" else {}))


def _usual(pods: list[Manifest], templates: list[Manifest]) -> None:
    """The default priority class for the jobs, of which nobody that is there has less: none is pushed out."""
    for template in templates:
        template["spec"].pop("priorityClassName", None)
    for pod in pods:
        if pod["spec"].get("priorityClassName") == LOW:
            pod["spec"].pop("priorityClassName")


def _spark(pick: random.Random, templates: list[Manifest]) -> None:
    """Spark's driver and executors in the place of a job's workers."""
    before = templates[0]
    conf = {"spark.memory.offHeap.enabled": "true", "spark.memory.offHeap.size": pick.choice(("512m", "2g"))}
    spec: Manifest = {
        "type": pick.choice(("Python", "Scala")),
        "sparkConf": pick.choice(({}, conf, {"spark.executor.pyspark.memory": "1g"})),
        "driver": {"coreRequest": "250m", "memory": pick.choice(("512m", "1g"))},
        "executor": {"cores": pick.choice((1, 2)), "memory": pick.choice(("1g", "3000m")), "memoryOverhead": "700m"},
    }
    if pick.random() < 0.5:
        del spec["executor"]["memoryOverhead"]
    application = {"kind": "SparkApplication", "apiVersion": "sparkoperator.k8s.io/v1beta2", "spec": spec}
    made = {one.role: one for one in made_pods([application | {"metadata": {"name": "pi"}}])}
    templates[:] = [_template(before, made[role].pod, role) for role in ("executor", "driver")]


def _template(before: Manifest, pod: Any, role: str) -> Manifest:
    spec = copied(dict(pod["spec"]))
    for container in spec["containers"]:
        container["image"] = "example/x"
    kept = {key: before["spec"][key] for key in ("nodeSelector", "tolerations", "priorityClassName")}
    labels = {GROUP: before["metadata"]["labels"][GROUP], "role": role}
    return {"metadata": {"labels": labels}, "spec": {"restartPolicy": "Never", **spec, **copied(kept)}}


HAS: dict[str, Callable[[Any], bool]] = {
    "ports of the node's network": lambda scene: "hostNetwork" in str(scene.templates),
    "exact decimals": lambda scene: any(f"'{one}'" in str(scene.templates) for one in (*CPUS[:3], *BYTES)),
    "containers that operators add": lambda scene: any(str(one["name"]) in str(scene.templates) for one in ADDED),
    "deadlines": lambda scene: "activeDeadlineSeconds" in str(scene.templates),
    "scoped quotas": lambda scene: "scope" in str(scene.space.quotas),
    "a default priority class": lambda scene: any("priorityClassName" not in one["spec"] for one in scene.templates),
    "Spark": lambda scene: "executor" in str([one["metadata"] for one in scene.templates]),
    "chiefs with GPUs": lambda scene: len(scene.templates) > 1 and GPU in str(scene.templates[1]["spec"]["containers"]),
}
