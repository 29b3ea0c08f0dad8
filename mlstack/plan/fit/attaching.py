"""How many volumes of a driver a node can have attached.

Source: the scheduler's NodeVolumeLimits: CSINode's allocatable counts, less the volumes of the pods on the node.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.terms import namespace_of
from mlstack.plan.fit.volumes import Manifest, Mounted, Storage, bound, claims_of, dynamic, made_with, mounted

# Drivers that have taken over kinds of volumes that Kubernetes had built in: by the field, and by the provisioner.
TAKEN_OVER = {
    "gcePersistentDisk": ("pd.csi.storage.gke.io", "pdName"),
    "awsElasticBlockStore": ("ebs.csi.aws.com", "volumeID"),
    "azureDisk": ("disk.csi.azure.com", "diskURI"),
}
PROVISIONERS = {
    "kubernetes.io/gce-pd": "pd.csi.storage.gke.io",
    "kubernetes.io/aws-ebs": "ebs.csi.aws.com",
    "kubernetes.io/azure-disk": "disk.csi.azure.com",
}

Volume = tuple[str, str]
"""Driver and handle: what makes two mounts the same attached volume."""


def limits_of(nodes: Iterable[Manifest]) -> dict[str, dict[str, int]]:
    """By node and driver, how many volumes it can have attached, as CSINodes say; none for no limit."""
    return {one["metadata"]["name"]: dict(_limits(one)) for one in nodes}


def _limits(node: Manifest) -> Iterable[tuple[str, int]]:
    for driver in (node.get("spec") or {}).get("drivers") or ():
        count = (driver.get("allocatable") or {}).get("count")
        if count is not None:
            yield driver["name"], int(count)


def attach_slots(pod: Pod, storage: Storage, room: Room, most: int) -> tuple[int, str]:
    """How many pods, up to `most`, a node has attachments left for, and the driver that allows no more; "" for none."""
    limits = (storage.limits or {}).get(room.name)
    if not limits:
        return most, ""
    shared, own = _wanted(pod, storage)
    there = _attached(room, storage)
    count, scarce = most, ""
    for driver, limit in limits.items():
        mine = {one for one in shared if one[0] == driver}
        each = sum(1 for one in own if one == driver)
        left = limit - len({one for one in there if one[0] == driver} | mine)
        fits = (max(0, left) // each if each else most) if left >= 0 or not (mine - there or each) else 0
        if fits < count:
            count, scarce = fits, driver
    return count, scarce


def _wanted(pod: Pod, storage: Storage) -> tuple[set[Volume], list[str]]:
    """The volumes that pods share, and the drivers of those that are made for each of them."""
    shared, own = set[Volume](), list[str]()
    for one in mounted(pod, storage):
        volume = _volume(one, namespace_of(pod), storage)
        if volume and one.own:
            own.append(volume[0])
        elif volume:
            shared.add(volume)
    return shared, own


def _volume(one: Mounted, namespace: str, storage: Storage) -> Volume | None:
    if bound(one.claim):
        return _handle((storage.volumes or {}).get(one.claim["spec"]["volumeName"]) or {})
    if not dynamic(one.claim, storage):
        return None
    made = storage.class_of(one.claim)["provisioner"]
    return str(PROVISIONERS.get(made, made)), f"{namespace}/{one.name}"


def _handle(volume: Manifest) -> Volume | None:
    spec: Mapping[str, Any] = volume.get("spec") or {}
    if "csi" in spec:
        return str(spec["csi"]["driver"]), str(spec["csi"]["volumeHandle"])
    for kind, (driver, key) in TAKEN_OVER.items():
        if kind in spec:
            return driver, str(spec[kind].get(key))
    return None


def _attached(room: Room, storage: Storage) -> set[Volume]:
    """The volumes of the pods on a node: their claims are known by the volumes that are bound to them."""
    by_claim = storage.by_claim
    holding = (pod for pod in room.pods if pod["spec"].get("volumes"))
    names = ((namespace_of(pod), name) for pod in holding for name in (*claims_of(pod), *made_with(pod)))
    found = (_handle(by_claim[name]) for name in names if name in by_claim)
    return {volume for volume in found if volume}
