"""Random queues: cohorts, ClusterQueues, flavors, who holds what, and a job that asks for more; by their seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask

Manifest = dict[str, Any]
VERSION = "kueue.x-k8s.io/v1beta2"
GPU = "nvidia.com/gpu"
TAINT = {"key": "gpu", "value": "dear", "effect": "NoSchedule"}
TOLERATION = {"key": "gpu", "operator": "Exists"}
SCENE = "mlstack.dev/scene"


@dataclass(frozen=True)
class Scene:
    """`shared` is what a cluster's queues are made of, `held` the Workloads there are before, `asked` the one that is
    asked about. `closed`: no quota lets it in, as the queue is stopped or for others."""

    seed: int
    namespace: str
    shared: Sequence[Manifest]
    held: Sequence[Manifest]
    asked: Manifest
    closed: bool

    @property
    def asks(self) -> list[Ask]:
        """The job's pods as mlstack would ask for them."""
        name, queue = self.asked["metadata"]["name"], self.asked["spec"]["queueName"]
        owner = Key("kueue.x-k8s.io", "Workload", self.namespace, name)
        return [self._ask(pods, owner, queue) for pods in self.asked["spec"]["podSets"]]

    def _ask(self, pods: Manifest, owner: Key, queue: str) -> Ask:
        pod = {**pods["template"], "metadata": {"namespace": self.namespace}}
        return Ask("job", owner, pods["name"], pods["count"], pod, queue)


def scene(seed: int, prefix: str) -> Scene:
    """The scene of a seed; names begin with `prefix`, so that many stand side by side."""
    return _Making(Random(seed), seed, f"{prefix}-{seed}").scene()


class _Making:
    def __init__(self, random: Random, seed: int, name: str) -> None:
        self.random, self.seed, self.name = random, seed, name
        self.flavors = [f"{name}-f{number}" for number in range(random.randint(1, 3))]
        self.covered = random.choice([[GPU], [GPU], [GPU, "cpu"], [GPU, "pods"]])
        self.cohort = random.choice(["", "flat", "flat", "tree"])

    def scene(self) -> Scene:
        queues = [self.queue(number) for number in range(self.random.randint(1, 3))]
        local = [
            self.object("LocalQueue", f"q{number}", {"clusterQueue": one["metadata"]["name"]}, own=True)
            for number, one in enumerate(queues)
        ]
        held = [
            self.workload(f"held-{n}", self.random.randrange(len(queues)), 1) for n in range(self.random.randint(0, 4))
        ]
        asked = self.workload("asked", 0, self.random.randint(1, 2))
        spec = queues[0]["spec"]
        closed = "stopPolicy" in spec or spec["namespaceSelector"] != {}
        kinds = [self.flavor(number, name) for number, name in enumerate(self.flavors)]
        return Scene(self.seed, self.name, [*kinds, *self.cohorts(), *queues, *local], held, asked, closed)

    def object(self, kind: str, name: str, spec: Manifest, *, own: bool = False) -> Manifest:
        metadata = {"name": name, "labels": {SCENE: self.name}} | ({"namespace": self.name} if own else {})
        return {"apiVersion": VERSION, "kind": kind, "metadata": metadata, "spec": spec}

    def flavor(self, number: int, name: str) -> Manifest:
        spec: Manifest = {"nodeLabels": {"kind": f"k{number}"}} if self.random.random() < 0.7 else {}
        if self.random.random() < 0.3:
            spec["nodeTaints"] = [TAINT]
            if self.random.random() < 0.4:
                spec["tolerations"] = [TOLERATION]
        return self.object("ResourceFlavor", name, spec)

    def cohorts(self) -> list[Manifest]:
        if self.cohort != "tree":
            return []
        above: Manifest = {"resourceGroups": [self.group(self.flavors[:1], lends=False)]}
        return [
            self.object("Cohort", f"{self.name}-low", {"parentName": f"{self.name}-top"}),
            self.object("Cohort", f"{self.name}-top", above if self.random.random() < 0.5 else {}),
        ]

    def queue(self, number: int) -> Manifest:
        flavors = self.random.sample(self.flavors, self.random.randint(1, len(self.flavors)))
        borrowing = self.random.choice(["MayStopSearch", "TryNextFlavor"])
        spec: Manifest = {
            "namespaceSelector": {} if self.random.random() < 0.93 else {"matchLabels": {"team": "other"}},
            "resourceGroups": [self.group(flavors, lends=bool(self.cohort))],
            "flavorFungibility": {"whenCanBorrow": borrowing, "whenCanPreempt": "TryNextFlavor"},
        }
        if self.cohort:
            spec["cohortName"] = f"{self.name}-{'top' if self.cohort == 'flat' or number == 2 else 'low'}"
        if number == 0 and self.random.random() < 0.07:
            spec["stopPolicy"] = "Hold"
        return self.object("ClusterQueue", f"{self.name}-c{number}", spec)

    def group(self, flavors: Sequence[str], *, lends: bool) -> Manifest:
        entries = [
            {"name": flavor, "resources": [self.quota(resource, lends) for resource in self.covered]}
            for flavor in flavors
        ]
        return {"coveredResources": self.covered, "flavors": entries}

    def quota(self, resource: str, lends: bool) -> Manifest:
        number = self.random.randint(0, 6) if resource == GPU else self.random.randint(4, 12)
        limits = {"borrowingLimit": self.random.randint(0, 4), "lendingLimit": self.random.randint(0, number)}
        chosen = {key: value for key, value in limits.items() if lends and self.random.random() < 0.35}
        return {"name": resource, "nominalQuota": number, **chosen}

    def workload(self, name: str, queue: int, kinds: int) -> Manifest:
        pods = [self.pods(role) for role in ("chief", "worker")[:kinds]]
        return self.object("Workload", name, {"queueName": f"q{queue}", "podSets": pods}, own=True)

    def pods(self, role: str) -> Manifest:
        requests = {GPU: str(self.random.randint(1, 2))}
        if "cpu" in self.covered or self.random.random() < 0.05:
            requests["cpu"] = "500m"
        container = {"name": "main", "image": "x", "resources": {"requests": requests, "limits": {GPU: requests[GPU]}}}
        spec: Manifest = {"restartPolicy": "Never", "containers": [container]}
        if self.random.random() < 0.25:
            spec["nodeSelector"] = {"kind": f"k{self.random.randint(0, 2)}", "zone": "b"}
        if self.random.random() < 0.5:
            spec["tolerations"] = [TOLERATION]
        return {"name": role, "count": self.random.randint(1, 4), "template": {"spec": spec}}
