"""Which volumes the claims of pods would get on a node, and what that means for the pods that come after the first.

Source: the scheduler's VolumeBinding; FindMatchingVolume of component-helpers storage/volume: the smallest volume that
is large enough, of the claims in the order of their sizes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from mlstack.plan.fit.domains import Range
from mlstack.plan.fit.labels import selects
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.phrases import VOLUMES
from mlstack.plan.fit.slots import Slots
from mlstack.plan.fit.volumes import Manifest, Mounted, Storage, allowed, bound, dynamic, mounted, reaches, waits
from mlstack.plan.quantities import amount

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
# How far volumes reach that these provisioners make: a zone, or (None) everywhere. Others' may be bound to one node.
REACH: Mapping[str, str | None] = {
    "pd.csi.storage.gke.io": ZONE,
    "kubernetes.io/gce-pd": ZONE,
    "ebs.csi.aws.com": ZONE,
    "ebs.csi.eks.amazonaws.com": ZONE,
    "kubernetes.io/aws-ebs": ZONE,
    "disk.csi.azure.com": ZONE,
    "kubernetes.io/azure-disk": ZONE,
    "efs.csi.aws.com": None,
    "file.csi.azure.com": None,
    "nfs.csi.k8s.io": None,
    "filestore.csi.storage.gke.io": None,
}


def volume_slots(pod: Pod, storage: Storage, room: Room, most: int) -> int:
    """How many pods, up to `most`, find volumes on a node for the claims that are still to get theirs."""
    late = late_claims(pod, storage)
    if not late or not most:
        return most
    own = [one for one in late if one.own]
    taken = _choose([one for one in late if not one.own], storage, room, ())
    if taken is None:
        return 0
    if not own or all(dynamic(one.claim, storage) and not _candidates(one, storage, room, ()) for one in own):
        return most if _choose(own, storage, room, taken) is not None else 0
    for count in range(most):
        more = _choose(own, storage, room, taken)
        if more is None:
            return count
        taken = {*taken, *more}
    return most


def late_claims(pod: Pod, storage: Storage) -> list[Mounted]:
    """The claims whose volumes are found or made once the node is known."""
    return [one for one in mounted(pod, storage) if not bound(one.claim) and (waits(one.claim, storage) or one.own)]


def together(found: Sequence[Slots], pod: Pod, storage: Storage, room: Range) -> Range:
    """How many pods find a place, where those after the first have to go where its volumes are."""
    taking = [one for one in found if one.count]
    for limit in (_shared(taking, pod, storage), _supply(taking, pod, storage)):
        if limit is None or limit.low >= room.high:
            continue
        low = min(limit.low, room.low) if not room.why else min(room.low, limit.low, 1)
        why = VOLUMES if limit.high <= room.high else room.why or VOLUMES
        room = Range(low, min(limit.high, room.high), why)
    return room


def unprovided(pod: Pod, storage: Storage) -> list[str]:
    """Claims about to be made whose volume has to be there at once, and is not."""
    shared = [one for one in mounted(pod, storage) if not one.own and one.name not in storage.claims]
    known = storage.classes is not None and storage.volumes is not None
    at_once = [one for one in shared if known and not waits(one.claim, storage) and not dynamic(one.claim, storage)]
    return [one.name for one in at_once if not _candidates(one, storage, None, ())]


def undecided(pod: Pod, storage: Storage, rooms: Sequence[Room]) -> set[str]:
    """Names of shared claims whose volume is still to be made, and then not reached by all nodes."""
    shared = [one for one in mounted(pod, storage) if not one.own and not bound(one.claim)]
    return {one.name for one in shared if len({_domain(room, one, storage) for room in rooms}) > 1}


def _domain(room: Room, one: Mounted, storage: Storage) -> str:
    """Where the volume of a claim would be, for its first pod on a node; "" for everywhere."""
    key = reach_of(one, storage)
    return room.labels.get(key, "") if key else ""


def reach_of(one: Mounted, storage: Storage) -> str | None:
    """The label whose value is shared by the nodes that reach a volume which is still to be made; None for no label."""
    made = storage.class_of(one.claim).get("provisioner", "")
    return REACH.get(made, HOST) if waits(one.claim, storage) else REACH.get(made, ZONE)


def without_static(pod: Pod, storage: Storage) -> Pod:
    """A pod without the claims that wait for somebody to make their volumes."""
    static = {one.name for one in late_claims(pod, storage) if not dynamic(one.claim, storage)}
    if not static:
        return pod
    volumes = [one for one in pod["spec"]["volumes"] if _source(one) not in static]
    return {**pod, "spec": {**pod["spec"], "volumes": volumes}}


def _source(volume: Mapping[str, Any]) -> str:
    claim = volume.get("persistentVolumeClaim")
    return str(claim["claimName"] if claim else volume["name"] if "ephemeral" in volume else "")


def _shared(taking: Sequence[Slots], pod: Pod, storage: Storage) -> Range | None:
    """Pods that share a claim which is still to get its volume: all go where the first one's volume can be reached."""
    ranges = []
    for one in mounted(pod, storage):
        if one.own or bound(one.claim):
            continue
        sums = [_reached(taking, first.room, one, storage) for first in taking]
        ranges += [Range(min((low for low, _ in sums), default=0), max((high for _, high in sums), default=0))]
    if not ranges:
        return None
    low = min(one.low for one in ranges) if len(ranges) == 1 else min(1, *(one.low for one in ranges))
    return Range(low, min(one.high for one in ranges))


def _reached(taking: Sequence[Slots], first: Room, one: Mounted, storage: Storage) -> tuple[int, int]:
    """How many pods, at least and at most, have places where a claim's volume is, if the first pod goes to a node."""
    chosen = _candidates(one, storage, first if waits(one.claim, storage) else None, ())
    if chosen:
        counts = [_count(taking, [each]) for each in chosen]
        return (counts[0], counts[0]) if waits(one.claim, storage) else (min(counts), max(counts))
    total = sum(each.count for each in taking)
    key = reach_of(one, storage)
    if key is None:
        return total, total
    value = first.labels.get(key)
    near = sum(each.count for each in taking if each.room.labels.get(key) == value)
    return near, near if key == ZONE and waits(one.claim, storage) and _known(one, storage) else total


def _known(one: Mounted, storage: Storage) -> bool:
    return storage.class_of(one.claim).get("provisioner", "") in REACH


def _count(taking: Sequence[Slots], volumes: Sequence[Manifest]) -> int:
    """Places on the nodes that reach all of some volumes."""
    return sum(
        each.count for each in taking if all(reaches(volume, each.room.name, each.room.labels) for volume in volumes)
    )


def _supply(taking: Sequence[Slots], pod: Pod, storage: Storage) -> Range | None:
    """Pods with a claim each, of which volumes have to be there: no more pods than volumes."""
    own = [one for one in mounted(pod, storage) if one.own and not dynamic(one.claim, storage)]
    if not own:
        return None
    sets = [(each.count, [_names(one, storage, each.room) for one in own]) for each in taking]
    kinds = {frozenset().union(*names): names for _, names in sets}
    total = sum(count for count, _ in sets)
    bounds = [len(frozenset().union(*(names[at] for _, names in sets))) for at in range(len(own))]
    high = min(total, *bounds) if sets else 0
    if sum(map(len, kinds)) != len(frozenset().union(*kinds)):
        return Range(min(1, high), high)  # nodes that reach some of each other's volumes
    if len(own) == 1:
        exact = sum(min(len(kind), sum(c for c, names in sets if names[0] == kind)) for kind in kinds)
        return Range(exact, exact)
    each_alone = len(kinds) == len(sets)
    return Range(total, total) if each_alone else Range(min(1, high), high)


def _names(one: Mounted, storage: Storage, room: Room) -> frozenset[str]:
    return frozenset(volume["metadata"]["name"] for volume in _candidates(one, storage, room, ()))


def _choose(claims: Sequence[Mounted], storage: Storage, room: Room, taken: Collection[str]) -> set[str] | None:
    """The volumes that a node's claims get; None where one of them gets none."""
    found: set[str] = set()
    for one in sorted(claims, key=lambda one: _size(one.claim.get("spec"), "resources", "requests")):
        volume = next(_smallest(one, storage, room, {*taken, *found}), None)
        if volume is not None:
            found.add(volume["metadata"]["name"])
        elif not (dynamic(one.claim, storage) and allowed(one.claim, storage, room.labels)):
            return None
    return found


def _smallest(one: Mounted, storage: Storage, room: Room | None, taken: Collection[str]) -> Iterator[Manifest]:
    return iter(_candidates(one, storage, room, taken)[:1])


def _candidates(one: Mounted, storage: Storage, room: Room | None, taken: Collection[str]) -> list[Manifest]:
    """Volumes that are there, free, and good for a claim (on a node), the smallest first."""
    free = [volume for name, volume in (storage.volumes or {}).items() if name not in taken]
    good = [volume for volume in free if _suits(volume, one, storage)]
    near = [each for each in good if room is None or reaches(each, room.name, room.labels)]
    reserved = [volume for volume in near if (volume.get("spec") or {}).get("claimRef")]
    return reserved[:1] or sorted(near, key=lambda volume: _size(volume.get("spec"), "capacity"))


def _suits(volume: Manifest, one: Mounted, storage: Storage) -> bool:
    spec, wanted = volume.get("spec") or {}, one.claim.get("spec") or {}
    if volume["metadata"].get("deletionTimestamp") or _size(spec, "capacity") < _size(wanted, "resources", "requests"):
        return False
    if (spec.get("volumeMode") or "Filesystem") != (wanted.get("volumeMode") or "Filesystem"):
        return False
    if reserved := spec.get("claimRef"):
        namespace = one.claim["metadata"].get("namespace", reserved.get("namespace"))
        return not one.own and (reserved.get("namespace"), reserved.get("name")) == (namespace, one.name)
    if (volume.get("status") or {}).get("phase") != "Available":
        return False
    selector = wanted.get("selector")
    if selector is not None and not selects(selector, volume["metadata"].get("labels") or {}):
        return False
    return _class(wanted, one, storage) == (spec.get("storageClassName") or "") and _lets(spec, wanted)


def _class(wanted: Manifest, one: Mounted, storage: Storage) -> str:
    """The class that a claim's volume has to be of: its own, or the default one."""
    said = wanted.get("storageClassName")
    return str(said if said is not None else (storage.class_of(one.claim).get("metadata") or {}).get("name", ""))


def _lets(spec: Manifest, wanted: Manifest) -> bool:
    same = (spec.get("volumeAttributesClassName") or "") == (wanted.get("volumeAttributesClassName") or "")
    return same and set(wanted.get("accessModes") or ()) <= set(spec.get("accessModes") or ())


def _size(spec: Any, *path: str) -> Decimal:
    found: Any = spec or {}
    for key in path:
        found = found.get(key) or {}
    return amount(found.get("storage", 0)) or Decimal(0)
