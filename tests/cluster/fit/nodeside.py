"""What nodes and volumes add to random scenes: other devices, drivers and taints that pass, terms with keys, volumes
that are bound late, and nodes that take few volumes. The same for the same seed.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
GPU, MIG, AMD, SHARED = "nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu", "nvidia.com/gpu.shared"
DEVICES = (GPU, MIG, AMD, SHARED)
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
MODEL, COUNT, GROUP, TENANT = "cloud.google.com/gke-accelerator", "nvidia.com/gpu.count", "oracle/cluster", "tenant"
DRIVER = "oracle.example.com/disk"
LIMITED = "limited.example.com"
PASSING: tuple[dict[str, str], ...] = (
    {"key": "node.cilium.io/agent-not-ready", "effect": "NoExecute"},
    {"key": "ToBeDeletedByClusterAutoscaler", "value": "1", "effect": "NoSchedule"},
    {"key": "startup-taint.cluster-autoscaler.kubernetes.io/driver", "effect": "NoSchedule"},
)

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Side:
    """What a scene has beside nodes, pods and what its namespace allows."""

    classes: list[Manifest] = field(default_factory=list)
    volumes: list[Manifest] = field(default_factory=list)
    claims: list[Manifest] = field(default_factory=list)
    csi_nodes: list[Manifest] = field(default_factory=list)


def change_nodes(seed: int, nodes: Sequence[Manifest]) -> None:
    """Some nodes get other devices, no driver yet, or a taint that passes."""
    pick = random.Random(f"nodes of {seed}")
    for node in nodes:
        size = node["status"]["allocatable"]
        if GPU in size and pick.random() < 0.15:
            other = pick.choice((AMD, SHARED))
            size = {**{name: amount for name, amount in size.items() if name != GPU}, other: size[GPU]}
            own = {"key": AMD if other == AMD else GPU, "effect": "NoSchedule"}
            kept = [one for one in node["spec"].get("taints") or () if one["key"] != GPU]
            node["spec"]["taints"] = [*kept, *([own] if pick.random() < 0.7 else [])]
            if other == AMD:
                del node["metadata"]["labels"][MODEL]
        elif GPU in size and pick.random() < 0.12:
            node["metadata"]["labels"][COUNT] = size[GPU]
            size = {**size, GPU: "0"}
        node["status"] = {"capacity": size, "allocatable": size}
        if pick.random() < 0.06:
            node["spec"]["taints"] = [*(node["spec"].get("taints") or ()), pick.choice(PASSING)]


def change_pods(seed: int, pods: Sequence[Manifest]) -> None:
    """The pods that are there belong to tenants."""
    pick = random.Random(f"tenants of {seed}")
    for pod in pods:
        pod["metadata"]["labels"][TENANT] = pick.choice(("a", "b"))


def change_templates(seed: int, templates: Sequence[Manifest], *, mounts: bool) -> Side:
    """The job's pods tolerate vendors' taints, have a tenant's terms, and mount claims unless they do (`mounts`)."""
    pick = random.Random(f"templates of {seed}")
    first = templates[0]
    for one in templates:
        one["metadata"]["labels"][TENANT] = "a"
        if pick.random() < 0.5:
            one["spec"]["tolerations"].append({"key": AMD, "operator": "Exists"})
    if pick.random() < 0.2:
        _terms(pick, seed, first)
    if mounts or pick.random() < 0.72:
        return Side()
    made = pick.choice((_static, _static, _own_static, _made, _limited))
    return made(pick, seed, first["spec"])


def _terms(pick: random.Random, seed: int, template: Manifest) -> None:
    """One or two terms about pods of a role, of the same tenant or of others."""
    kind = pick.choice(("podAffinity", "podAntiAffinity"))
    roles = [template["metadata"]["labels"]["role"], pick.choice(("worker", "web", "db"))]
    found = []
    for role, key in zip(roles[: pick.choice((1, 2))], (HOST, ZONE), strict=False):
        term: Manifest = {"topologyKey": key, "labelSelector": {"matchLabels": {GROUP: f"seed-{seed}", "role": role}}}
        if field := pick.choice(("matchLabelKeys", "mismatchLabelKeys", "")):
            term[field] = [TENANT]
        found.append(term)
    template["spec"].setdefault("affinity", {})[kind] = {REQUIRED: found}


def _class(seed: int, provisioner: str, **rest: Any) -> Manifest:
    name = f"oracle-{seed}"
    common = {"apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "metadata": {"name": name}}
    return {**common, "provisioner": provisioner, "volumeBindingMode": "WaitForFirstConsumer", **rest}


def _claim(seed: int, size: str) -> Manifest:
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": f"oracle-{seed}",
        "resources": {"requests": {"storage": size}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "late"}, "spec": spec}


def _volumes(pick: random.Random, seed: int, number: int) -> list[Manifest]:
    """Volumes of one host or one zone, of several sizes."""
    found = []
    for index in range(number):
        key = pick.choice((HOST, HOST, ZONE))
        value = pick.choice("abc") if key == ZONE else f"oracle-{seed}-{pick.randint(0, 3)}"
        term = {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
        spec = {
            "capacity": {"storage": pick.choice(("1Gi", "5Gi", "20Gi"))},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": f"oracle-{seed}",
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": f"/disks/{index}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        }
        metadata = {"name": f"oracle-late-{seed}-{index}"}
        found.append({"apiVersion": "v1", "kind": "PersistentVolume", "metadata": metadata, "spec": spec})
    return found


def _mount(spec: Manifest, source: Manifest) -> None:
    spec["volumes"] = [*(spec.get("volumes") or ()), {"name": "late", **source}]


def _static(pick: random.Random, seed: int, spec: Manifest) -> Side:
    """A claim that the pods share, and volumes of which one may fit."""
    _mount(spec, {"persistentVolumeClaim": {"claimName": "late"}})
    volumes = _volumes(pick, seed, pick.randint(0, 4))
    return Side([_class(seed, "kubernetes.io/no-provisioner")], volumes, [_claim(seed, pick.choice(("1Gi", "4Gi")))])


def _own_static(pick: random.Random, seed: int, spec: Manifest) -> Side:
    """A claim for each pod."""
    claim = _claim(seed, pick.choice(("1Gi", "4Gi")))
    _mount(spec, {"ephemeral": {"volumeClaimTemplate": {"metadata": {}, "spec": claim["spec"]}}})
    return Side([_class(seed, "kubernetes.io/no-provisioner")], _volumes(pick, seed, pick.randint(1, 6)))


def _made(pick: random.Random, seed: int, spec: Manifest) -> Side:
    """A claim for each pod, whose volume is made in some zones."""
    claim = _claim(seed, "1Gi")
    _mount(spec, {"ephemeral": {"volumeClaimTemplate": {"metadata": {}, "spec": claim["spec"]}}})
    zones = pick.sample("abc", pick.choice((1, 2)))
    allowed = [{"matchLabelExpressions": [{"key": ZONE, "values": zones}]}]
    return Side([_class(seed, DRIVER, allowedTopologies=allowed)])


def _limited(pick: random.Random, seed: int, spec: Manifest) -> Side:
    """Two claims for each pod, and nodes of which some take fewer volumes of their driver.

    The volumes that the sandbox makes are none of a driver's: once they are there they do not count any more.
    """
    claim = _claim(seed, "1Gi")
    _mount(spec, {"ephemeral": {"volumeClaimTemplate": {"metadata": {}, "spec": claim["spec"]}}})
    spec["volumes"].append({**spec["volumes"][-1], "name": "later"})
    return Side([_class(seed, LIMITED)], csi_nodes=[_csi_node(pick, f"oracle-{seed}-{index}") for index in range(4)])


def _csi_node(pick: random.Random, name: str) -> Manifest:
    driver = {"name": LIMITED, "nodeID": name, "topologyKeys": [], "allocatable": {"count": pick.choice((0, 1, 100))}}
    spec = {"drivers": [driver]}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name}, "spec": spec}
