"""Cases of nodes, rules and volumes, each with its right value, told by mlstack and done by the real scheduler."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from mlstack.cluster.client import Client
from mlstack.plan.fit.outlook import Prospect
from mlstack.sandbox.nodes import SIMULATED
from tests.cluster.fit import oracle
from tests.cluster.fit.clusters import GROUP, HIGH, KEEN, MODEL
from tests.cluster.fit.jobs import Scene
from tests.cluster.fit.nodeside import COUNT, GPU, HOST, LIMITED, MIG, PASSING, REQUIRED, TENANT, ZONE, Side
from tests.cluster.fit.spaces import Space

Manifest = dict[str, Any]
WAITS, NEVER = Prospect.WAITS, Prospect.NEVER
VENDOR = {"key": GPU, "value": "present", "effect": "NoSchedule"}
TOLERATED = [{"key": GPU, "operator": "Exists"}]
LATE = "WaitForFirstConsumer"
ONE_POD = "ReadWriteOncePod"


@dataclass(frozen=True)
class Aimed:
    """A cluster and a kind of pods, of which `most` find a place; one more of them does what `prospect` says.

    `reason`: what its reasons begin with. `pushed`: how many find a place once others are pushed out for them.
    """

    name: str
    most: int
    prospect: Prospect
    reason: str
    nodes: tuple[Manifest, ...]
    pods: tuple[Manifest, ...] = ()
    spec: Manifest = field(default_factory=dict)
    device: str = ""
    side: Side = field(default_factory=Side)
    claims: tuple[Manifest, ...] = ()
    space: Space = field(default_factory=Space)
    pushed: int | None = None


def node(
    *taints: Manifest, cpu: str = "4", zone: str = "a", labels: Manifest | None = None, **devices: str
) -> Manifest:
    size = {"cpu": cpu, "memory": "8Gi", "pods": "20", **{name.replace("__", "/"): n for name, n in devices.items()}}
    return {"labels": {ZONE: zone, **(labels or {})}, "taints": list(taints), "size": size}


def pod(at: int, cpu: str = "100m", **rest: Any) -> Manifest:
    return {"at": at, "cpu": cpu, "labels": {"role": "web"}, **rest}


def term(key: str = HOST, app: str = "web", **rest: Any) -> Manifest:
    return {"topologyKey": key, "labelSelector": {"matchLabels": {"role": app}}, **rest}


def near(*terms: Manifest) -> Manifest:
    return {"affinity": {"podAffinity": {REQUIRED: list(terms)}}}


def apart(*terms: Manifest) -> Manifest:
    return {"affinity": {"podAntiAffinity": {REQUIRED: list(terms)}}}


def claim(name: str, **spec: Any) -> Manifest:
    common = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "5Gi"}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name}, "spec": common | spec}


def mounts(*names: str) -> Manifest:
    return {"volumes": [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in names]}


def own(number: int = 1, **spec: Any) -> Manifest:
    template = {"metadata": {}, "spec": claim("", **spec)["spec"]}
    return {"volumes": [{"name": f"own{n}", "ephemeral": {"volumeClaimTemplate": template}} for n in range(number)]}


def storage(name: str, provisioner: str = "kubernetes.io/no-provisioner", **rest: Any) -> Manifest:
    whole = {"provisioner": provisioner, "volumeBindingMode": LATE, **rest}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}, **whole}


def disk(name: str, storage_class: str, host: str, size: str, mode: str = "ReadWriteOnce") -> Manifest:
    match = {"matchExpressions": [{"key": HOST, "operator": "In", "values": [host]}]}
    spec = {
        "capacity": {"storage": size},
        "accessModes": [mode],
        "storageClassName": storage_class,
        "persistentVolumeReclaimPolicy": "Retain",
        "local": {"path": "/disk"},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [match]}},
    }
    metadata = {"name": f"oracle-late-{name}"}
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec}


def quota(**hard: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "team"}, "spec": {"hard": hard}}


def most(**limits: str) -> Manifest:
    spec = {"limits": [{"type": "Container", "max": limits}]}
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "team"}, "spec": spec}


def csi_node(name: str, count: int) -> Manifest:
    driver = {"name": LIMITED, "nodeID": name, "topologyKeys": [], "allocatable": {"count": count}}
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "CSINode",
        "metadata": {"name": name},
        "spec": {"drivers": [driver]},
    }


L4 = {MODEL: "nvidia-l4"}
SHARED: Manifest = {"nvidia.com__gpu": "2"}
NO_ZONE = [{"matchLabelExpressions": [{"key": ZONE, "values": ["z"]}]}]
PORT = [{"containerPort": 80, "hostPort": 8080}]
TWO = [disk(f"two-{n}", "oracle-two", f"oracle-9053-{n}", "9Gi") for n in "01"]
SPREAD = {
    "topologySpreadConstraints": [
        {
            "maxSkew": 1,
            "topologyKey": ZONE,
            "whenUnsatisfiable": "DoNotSchedule",
            "labelSelector": {"matchLabels": {"role": "worker"}},
        }
    ]
}
FOUR_ZONES = {"topologySpreadConstraints": [{**SPREAD["topologySpreadConstraints"][0], "minDomains": 4}]}
# Node names are oracle-SEED-INDEX; the seed of the first case is 9001, and each further one's is larger by 4.
AIMED: tuple[Aimed, ...] = (
    Aimed("slices behind the vendor's taint", 3, NEVER, "3 of 4 workers fit: the nvidia-l4 node has 3 MIG",
          (node(VENDOR, labels=L4, **{"nvidia.com__mig-1g.5gb": "3"}),), spec={"tolerations": TOLERATED}, device=MIG),
    Aimed("slices behind another taint", 0, NEVER, "1 node has a taint that it does not tolerate: nvidia.com/gpu",
          (node(VENDOR, labels=L4, **{"nvidia.com__mig-1g.5gb": "3"}),),
          spec={"tolerations": [{"key": MIG, "operator": "Exists"}]}, device=MIG),
    Aimed("whole GPUs where slices are asked", 0, NEVER, "each worker asks 1 nvidia.com/mig-1g.5gb",
          (node(labels=L4, **SHARED),), device=MIG),
    Aimed("a driver that is being installed", 0, WAITS, "1 nvidia-l4 node has no driver or device plugin ready",
          (node(labels={**L4, COUNT: "2"}, **{"nvidia.com__gpu": "0"}),), device=GPU),
    Aimed("a node that is about to go", 0, WAITS, "1 node has a taint that it does not tolerate: ToBeDeleted",
          (node(PASSING[1]),)),
    Aimed("the wrong kind is not what is short", 2, NEVER, "2 of 3 workers fit: the nvidia-l4 nodes have 4 GPUs",
          (node(labels=L4, **SHARED), node(labels=L4, **SHARED), node(labels={MODEL: "nvidia-tesla-a100"}, **SHARED)),
          spec={"nodeSelector": L4, "gpus": "2"}, device=GPU),
    Aimed("two terms that two pods meet", 0, WAITS, "1 node is kept off by its affinity rule", (node(),),
          (pod(0), pod(0, labels={"role": "db"})), near(term(), term(ZONE, "db"))),
    Aimed("two terms that one pod meets", 3, WAITS, "3 of 4 workers fit", (node(),), (pod(0),),
          near(term(), term(ZONE))),
    Aimed("the first of its kind, by both terms", 4, NEVER, "its affinity rule allows 4 of 5", (node(), node(zone="b")),
          spec=near(term(HOST, "worker"), term(ZONE, "worker"))),
    Aimed("apart from other tenants only", 4, NEVER, "4 of 5 workers fit", (node(),),
          spec=apart(term(HOST, "worker", mismatchLabelKeys=[TENANT]))),
    Aimed("beside the own tenant only", 3, WAITS, "3 of 4 workers fit", (node(), node()),
          (pod(0, labels={"role": "web", TENANT: "b"}), pod(1, labels={"role": "web", TENANT: "a"})),
          near(term(matchLabelKeys=[TENANT]))),
    Aimed("the only volume is too small", 0, WAITS, "1 node is out of its volume's reach", (node(),),
          spec=mounts("late"), claims=(claim("late", storageClassName="oracle-small"),),
          side=Side([storage("oracle-small")], [disk("small", "oracle-small", "oracle-9045-0", "1Gi")])),
    Aimed("the only volume is on a small node", 1, WAITS, "1 of 2 workers fits: the node has 1 cpu",
          (node(), node(cpu="1")), spec=mounts("late"), claims=(claim("late", storageClassName="oracle-one"),),
          side=Side([storage("oracle-one")], [disk("one", "oracle-one", "oracle-9049-1", "9Gi")])),
    Aimed("volumes for two of the pods", 2, WAITS, "2 of 3", (node(), node()),
          spec=own(storageClassName="oracle-two"), side=Side([storage("oracle-two")], TWO)),
    Aimed("no zone for its volumes", 0, NEVER, "1 node is out of its volume's reach", (node(),),
          spec=own(storageClassName="oracle-away"),
          side=Side([storage("oracle-away", "oracle.example.com/disk", allowedTopologies=NO_ZONE)])),
    Aimed("two volumes where one can be attached", 0, NEVER, "1 node has no room for another volume", (node(),),
          spec=own(2, storageClassName="oracle-few"),
          side=Side([storage("oracle-few", LIMITED)], csi_nodes=[csi_node("oracle-9061-0", 1)])),
    Aimed("a port for each node", 2, NEVER, "2 of 3 workers fit: its host port allows one on each node",
          (node(), node()), spec={"ports": PORT}),
    Aimed("no node at all, and a rule", 0, NEVER, "1 node has a taint", (node(VENDOR),), spec=SPREAD),
    Aimed("a claim for one pod", 1, WAITS, "its claim for one pod (ReadWriteOncePod) allows 1 of 2", (node(), node()),
          spec=mounts("single"), claims=(claim("single", storageClassName="oracle-single", accessModes=[ONE_POD]),),
          side=Side([storage("oracle-single")], [disk("single", "oracle-single", "oracle-9073-0", "9Gi", ONE_POD)])),
    Aimed("a claim for one pod, in use", 0, WAITS, "it mounts PersistentVolumeClaim/used, which is ReadWriteOncePod",
          (node(), node()),
          (pod(0, **mounts("used")),), mounts("used"),
          claims=(claim("used", storageClassName="oracle-used", accessModes=[ONE_POD]),),
          side=Side([storage("oracle-used")], [disk("used", "oracle-used", "oracle-9077-0", "9Gi", ONE_POD)])),
    Aimed("the volume is where others can be pushed out", 0, WAITS, "1 node has less than 1 cpu free; 1 node is",
          (node(), node()),
          (pod(0, "4"), pod(1, "4", priority=HIGH)), {**mounts("there"), "priorityClassName": KEEN},
          claims=(claim("there", storageClassName="oracle-there"),), pushed=1,
          side=Side([storage("oracle-there")], [disk("there", "oracle-there", "oracle-9081-0", "9Gi")])),
    Aimed("the volume is where nobody can be pushed out", 0, WAITS, "1 node has less than 1 cpu free; 1 node is",
          (node(), node()),
          (pod(0, "4"), pod(1, "4", priority=HIGH)), {**mounts("away"), "priorityClassName": KEEN},
          claims=(claim("away", storageClassName="oracle-far"),),
          side=Side([storage("oracle-far")], [disk("far", "oracle-far", "oracle-9085-1", "9Gi")])),
    Aimed("pushing others out brings no pod to be beside", 0, WAITS, "1 node is kept off by its affinity rule, and has",
          (node(),), (pod(0, "4"),), {**near(term(app="db")), "priorityClassName": KEEN}),
    Aimed("a pod to be beside, on a node without GPUs", 0, WAITS, "1 node is kept off by its affinity rule, and offers",
          (node(), node(labels=L4, **{"nvidia.com__mig-1g.5gb": "3"}), node(PASSING[1], labels=L4, **SHARED)),
          (pod(0, labels={"role": "worker"}),), near(term(app="worker")), device=GPU),
    Aimed("kept off twice", 0, WAITS, "1 node is kept off by other pods' anti-affinity rule, and is kept off by its",
          (node(),), (pod(0, labels={"role": "worker"}, **apart(term(app="worker"))),), FOUR_ZONES),
    Aimed("two rules that are as strict", 2, NEVER, "2 of 3 workers fit: its host port allows one on each node, and its"
          " anti-affinity rule allows no more", (node(), node()), spec={"ports": PORT, **apart(term(app="worker"))}),
    Aimed("refused twice", 0, NEVER, "container main asks more cpu than the 500m that LimitRange/team allows; "
          "ResourceQuota/team has 0 of 0 pods left", (node(),), space=Space([quota(pods="0")], [most(cpu="500m")])),
)  # fmt: skip


def scene(number: int, aimed: Aimed) -> Scene:
    seed = 9001 + 4 * number
    group = {GROUP: f"seed-{seed}"}
    nodes = [_node(seed, index, one) for index, one in enumerate(aimed.nodes)]
    there = [_pod(seed, index, one, group) for index, one in enumerate(aimed.pods)]
    spec = dict(aimed.spec)
    requests = {"cpu": "1", **({aimed.device: spec.pop("gpus", "1")} if aimed.device else {})}
    limits = {name: number for name, number in requests.items() if "/" in name}
    main = {"name": "main", "image": "example/x", "resources": {"requests": requests, "limits": limits}}
    container = main | ({"ports": spec.pop("ports")} if "ports" in spec else {})
    spec = {"containers": [container], "restartPolicy": "Never", "tolerations": [], **spec}
    spec["nodeSelector"] = {**group, **spec.get("nodeSelector", {})}
    template = {"metadata": {"labels": {**group, "role": "worker", TENANT: "a"}}, "spec": spec}
    side = Side(aimed.side.classes, aimed.side.volumes, list(aimed.claims), aimed.side.csi_nodes)
    return Scene(seed, nodes, there, [template], aimed.space, side)


def _node(seed: int, index: int, made: Manifest) -> Manifest:
    name = f"oracle-{seed}-{index}"
    labels = {SIMULATED: "true", GROUP: f"seed-{seed}", HOST: name, **made["labels"]}
    status = {"capacity": made["size"], "allocatable": made["size"]}
    spec = {"taints": made["taints"]}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": labels},
        "spec": spec,
        "status": status,
    }


def _pod(seed: int, index: int, made: Manifest, group: Manifest) -> Manifest:
    container = {"name": "main", "image": "example/x", "resources": {"requests": {"cpu": made["cpu"]}}}
    metadata = {"name": f"there-{seed}-{index}", "labels": {**group, **made["labels"]}}
    spec = {"containers": [container], "nodeName": f"oracle-{seed}-{made['at']}"}
    spec |= {key: made[key] for key in ("affinity", "volumes") if key in made}
    spec |= {"priorityClassName": made["priority"]} if "priority" in made else {}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def test_each_case(client: Client, made: str) -> None:
    scenes = [scene(number, aimed) for number, aimed in enumerate(AIMED)]
    try:
        cases = oracle.prepare(client, made, scenes)
        placed = oracle.schedule(client, cases)
    finally:
        oracle.remove(client, made, scenes)
    wrong = oracle.disagreements(cases, placed)
    for aimed, case in zip(AIMED, cases, strict=True):
        (one,) = case.outlooks
        got = placed[case.scene.seed, "worker"]
        told, expected = "; ".join(one.reasons), aimed.most if aimed.pushed is None else aimed.pushed
        pushing = "preempting" in told
        right = (aimed.most, expected, aimed.prospect, aimed.pushed is not None)
        if (case.most, got, one.prospect, pushing) != right or not told.startswith(aimed.reason):
            wrong.append(f"{aimed.name}: {case.most}, {got}, {one.prospect}, {told}")
    assert not wrong, "\n".join(wrong)
