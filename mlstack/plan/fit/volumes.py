"""Volumes that tie a pod to some nodes, or keep it from any.

Source: the scheduler's VolumeBinding, VolumeZone and VolumeRestrictions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from mlstack.plan.fit.labels import Labels, any_term
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.terms import namespace_of

Manifest = Mapping[str, Any]

DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
BOUND = "pv.kubernetes.io/bind-completed"
STATIC = ("", "kubernetes.io/no-provisioner")
ONE_POD = "ReadWriteOncePod"
# Labels of volumes that nodes have to share, by the older names that volumes may still have.
TOPOLOGY = {
    "failure-domain.beta.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region": "topology.kubernetes.io/region",
    "topology.kubernetes.io/zone": "topology.kubernetes.io/zone",
    "topology.kubernetes.io/region": "topology.kubernetes.io/region",
}


Claims = Mapping[str, Manifest]
"""Claims by name."""


@dataclass(frozen=True)
class Storage:
    """Claims of a namespace, volumes and storage classes by name; `coming`: claims that will be made with the pods.

    `volumes` and `classes` are None where they were not read. `limits`: how many volumes of each driver a node takes,
    by node; None where that was not read. `drivers`: CSIDrivers by name.
    """

    claims: Mapping[str, Manifest] = field(default_factory=dict)
    volumes: Mapping[str, Manifest] | None = field(default_factory=dict)
    classes: Mapping[str, Manifest] | None = field(default_factory=dict)
    coming: Mapping[str, Manifest] = field(default_factory=dict)
    limits: Mapping[str, Mapping[str, int]] | None = field(default_factory=dict)
    drivers: Mapping[str, Manifest] = field(default_factory=dict)

    @cached_property
    def by_claim(self) -> dict[tuple[str, str], Manifest]:
        """Volumes by the namespace and name of the claim that they are bound to, or reserved for."""
        refs = [((one.get("spec") or {}).get("claimRef") or {}, one) for one in (self.volumes or {}).values()]
        return {(ref.get("namespace", ""), ref.get("name", "")): one for ref, one in refs if ref}

    def claim(self, name: str) -> Manifest | None:
        """A claim of the namespace that is there, or is about to be."""
        return self.claims.get(name) or self.coming.get(name)

    def class_of(self, claim: Manifest) -> Manifest:
        """A claim's storage class, the default one where it names none; {} for none."""
        name = (claim.get("spec") or {}).get("storageClassName")
        if name is None:
            defaults = [one for one in (self.classes or {}).values() if _is_default(one)]
            return max(defaults, key=lambda one: str(one["metadata"].get("creationTimestamp") or ""), default={})
        return (self.classes or {}).get(name) or {}


@dataclass(frozen=True)
class Mounted:
    """A claim that pods mount: one that they share, or (`own`) one that is made for each of them."""

    name: str
    claim: Manifest
    own: bool = False


def claims_of(pod: Pod) -> list[str]:
    """Names of the claims that a pod mounts."""
    found = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ()]
    return [one["claimName"] for one in found if one]


def made_with(pod: Pod) -> list[str]:
    """Names of the claims that were made with a pod that is there."""
    name = pod["metadata"].get("name", "")
    return [f"{name}-{one['name']}" for one in pod["spec"].get("volumes") or () if "ephemeral" in one]


def mounted(pod: Pod, storage: Storage) -> list[Mounted]:
    """The claims that a pod mounts, as far as they are there, about to be, or made with the pod."""
    found = [Mounted(name, claim) for name in claims_of(pod) if (claim := storage.claim(name)) is not None]
    volumes = pod["spec"].get("volumes") or ()
    templates = [(one["name"], (one.get("ephemeral") or {}).get("volumeClaimTemplate")) for one in volumes]
    return [*found, *(Mounted(name, template, own=True) for name, template in templates if template)]


def mounts(pod: Pod) -> bool:
    """Whether a pod mounts any claim."""
    return any("persistentVolumeClaim" in one or "ephemeral" in one for one in pod["spec"].get("volumes") or ())


def missing(pod: Pod, storage: Storage) -> list[str]:
    """Claims that are not there and that nobody is about to make."""
    return [name for name in claims_of(pod) if storage.claim(name) is None]


def unbound(pod: Pod, storage: Storage) -> list[str]:
    """Claims that have no volume yet although theirs are not made at a pod's first use: the pod waits for them."""
    found = [(name, storage.claims[name]) for name in claims_of(pod) if name in storage.claims]
    return [name for name, claim in found if not bound(claim) and not waits(claim, storage)]


def leaving(pod: Pod, storage: Storage) -> list[str]:
    """Claims that are being deleted, or have lost their volume: no pod gets them any more."""
    found = [(name, storage.claims[name]) for name in claims_of(pod) if name in storage.claims]
    return [name for name, claim in found if claim["metadata"].get("deletionTimestamp") or _phase(claim) == "Lost"]


def alone(pod: Pod, storage: Storage) -> str:
    """The claim of a pod that one pod only can use (ReadWriteOncePod); "" for none."""
    return next((one.name for one in mounted(pod, storage) if not one.own and ONE_POD in _modes(one.claim)), "")


def in_use(pod: Pod, storage: Storage, rooms: Iterable[Room]) -> tuple[str, Pod] | None:
    """A claim for one pod only that another pod uses, with that pod."""
    name, namespace = alone(pod, storage), namespace_of(pod)
    if not name:
        return None
    others = (other for room in rooms for other in room.pods if "volumes" in other["spec"])
    return next(((name, one) for one in others if namespace_of(one) == namespace and name in claims_of(one)), None)


def reachable(pod: Pod, storage: Storage, name: str, labels: Labels) -> bool:
    """Whether a node reaches all of the pod's volumes that exist, and may get those that are made at first use."""
    return all(_reaches(one.claim, storage, name, labels) for one in mounted(pod, storage))


def _reaches(claim: Manifest, storage: Storage, name: str, labels: Labels) -> bool:
    if bound(claim):
        volume = (storage.volumes or {}).get(claim["spec"]["volumeName"])
        return storage.volumes is None or (volume is not None and reaches(volume, name, labels))
    chosen = (claim["metadata"].get("annotations") or {}).get("volume.kubernetes.io/selected-node")
    if chosen:
        return bool(chosen == name)
    return not dynamic(claim, storage) or allowed(claim, storage, labels)


def reaches(volume: Manifest, name: str, labels: Labels) -> bool:
    """Whether a node reaches a volume: by the volume's node affinity, and by its zone where the node is in one."""
    required = ((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required")
    if required is not None and not any_term(required, name, labels):
        return False
    if not any(key in labels for key in TOPOLOGY):
        return True
    said = (volume["metadata"].get("labels") or {}).items()
    return all(labels.get(TOPOLOGY[key]) in value.split("__") for key, value in said if key in TOPOLOGY)


def allowed(claim: Manifest, storage: Storage, labels: Labels) -> bool:
    """Whether a claim's class allows that its volume is made for a node."""
    topologies = storage.class_of(claim).get("allowedTopologies") or ()
    return not topologies or any(_topology(term, labels) for term in topologies)


def dynamic(claim: Manifest, storage: Storage) -> bool:
    """Whether a claim's volume can be made; else one has to be there already."""
    return storage.class_of(claim).get("provisioner", "") not in STATIC


def _topology(term: Manifest, labels: Labels) -> bool:
    return all(labels.get(one["key"]) in one["values"] for one in term.get("matchLabelExpressions") or ())


def bound(claim: Manifest) -> bool:
    """Whether a claim has its volume."""
    done = _phase(claim) == "Bound" or BOUND in ((claim.get("metadata") or {}).get("annotations") or {})
    return bool((claim.get("spec") or {}).get("volumeName")) and done


def waits(claim: Manifest, storage: Storage) -> bool:
    """Whether a claim gets its volume when the first pod that mounts it has its node."""
    prebound = (claim.get("spec") or {}).get("volumeName")
    return not prebound and storage.class_of(claim).get("volumeBindingMode") == "WaitForFirstConsumer"


def _phase(claim: Manifest) -> str:
    return str((claim.get("status") or {}).get("phase") or "")


def _modes(claim: Manifest) -> list[str]:
    return list((claim.get("spec") or {}).get("accessModes") or ())


def _is_default(storage_class: Manifest) -> bool:
    return ((storage_class["metadata"].get("annotations") or {}).get(DEFAULT_CLASS)) == "true"


def by_name(objects: Iterable[Manifest]) -> dict[str, Manifest]:
    """Objects of one kind and namespace by their names."""
    return {one["metadata"]["name"]: one for one in objects}


def with_own_claims(spec: Manifest, templates: Iterable[Manifest]) -> Manifest:
    """A StatefulSet's pod, with the claims that are made for each pod as volumes made with the pod."""
    own = list(_as_volumes(templates))
    names = {one["name"] for one in own}
    others = [one for one in spec.get("volumes") or () if one.get("name") not in names]
    return {**spec, "volumes": [*others, *own]} if own else spec


def _as_volumes(templates: Iterable[Manifest]) -> Iterator[Manifest]:
    for one in templates:
        yield {"name": (one.get("metadata") or {}).get("name", ""), "ephemeral": {"volumeClaimTemplate": one}}
