"""Volumes that tie a pod to some nodes, or keep it from any.

Source: the scheduler's VolumeBinding and VolumeRestrictions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.plan.fit.labels import Labels, any_term
from mlstack.plan.fit.nodes import Pod

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Storage:
    """Claims of a namespace, volumes and storage classes by name; `coming`: claims that will be made with the pods."""

    claims: Mapping[str, Manifest] = field(default_factory=dict)
    volumes: Mapping[str, Manifest] = field(default_factory=dict)
    classes: Mapping[str, Manifest] = field(default_factory=dict)
    coming: frozenset[str] = frozenset()


def claims_of(pod: Pod) -> list[str]:
    """Names of the claims that a pod mounts."""
    found = [volume.get("persistentVolumeClaim") for volume in pod["spec"].get("volumes") or ()]
    return [one["claimName"] for one in found if one]


def missing(pod: Pod, storage: Storage) -> list[str]:
    """Claims that are not there and that nobody is about to make."""
    return [name for name in claims_of(pod) if name not in storage.claims and name not in storage.coming]


def unbound(pod: Pod, storage: Storage) -> list[str]:
    """Claims that have no volume yet although theirs are not made at a pod's first use: the pod waits for them."""
    found = [(name, storage.claims[name]) for name in claims_of(pod) if name in storage.claims]
    return [name for name, claim in found if not _bound(claim) and not _waits(claim, storage)]


def alone(pod: Pod, storage: Storage) -> bool:
    """Whether a claim may be in use by one pod only (ReadWriteOncePod)."""
    claims = (storage.claims[name] for name in claims_of(pod) if name in storage.claims)
    return any("ReadWriteOncePod" in ((claim.get("spec") or {}).get("accessModes") or ()) for claim in claims)


def reachable(pod: Pod, storage: Storage, name: str, labels: Labels) -> bool:
    """Whether a node reaches all of the pod's volumes that exist, and may get those that are made at first use."""
    claims = (storage.claims[claim] for claim in claims_of(pod) if claim in storage.claims)
    return all(_reaches(claim, storage, name, labels) for claim in claims)


def _reaches(claim: Manifest, storage: Storage, name: str, labels: Labels) -> bool:
    if _bound(claim):
        volume = storage.volumes.get(claim["spec"]["volumeName"]) or {}
        required = ((volume.get("spec") or {}).get("nodeAffinity") or {}).get("required")
        return required is None or any_term(required, name, labels)
    allowed = _class(claim, storage).get("allowedTopologies") or ()
    return not allowed or any(_topology(term, labels) for term in allowed)


def _topology(term: Manifest, labels: Labels) -> bool:
    return all(labels.get(one["key"]) in one["values"] for one in term.get("matchLabelExpressions") or ())


def _bound(claim: Manifest) -> bool:
    return bool((claim.get("spec") or {}).get("volumeName")) and (claim.get("status") or {}).get("phase") == "Bound"


def _waits(claim: Manifest, storage: Storage) -> bool:
    return _class(claim, storage).get("volumeBindingMode") == "WaitForFirstConsumer"


def _class(claim: Manifest, storage: Storage) -> Manifest:
    return storage.classes.get((claim.get("spec") or {}).get("storageClassName") or "") or {}


def by_name(objects: Iterable[Manifest]) -> dict[str, Manifest]:
    """Objects of one kind and namespace by their names."""
    return {one["metadata"]["name"]: one for one in objects}
