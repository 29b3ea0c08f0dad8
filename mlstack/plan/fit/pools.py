"""Node pools that may grow: the nodes that would come, as an environment's file and the nodes already there say.

Source: the cluster autoscaler's node groups: equal machines, labels and taints, and a most that they grow to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlstack.errors import MlstackError
from mlstack.plan.fit.labels import Labels
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.requests import Amounts, add, amounts, pod_requests
from mlstack.plan.fit.taints import Taint, passes
from mlstack.plan.quantities import amount

POOL_LABELS = (
    "cloud.google.com/gke-nodepool",
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "karpenter.sh/nodepool",
    "kubernetes.azure.com/agentpool",
    "agentpool",
)
ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
KEYS = ("name", "max", "machine", "labels", "taints", "zones")
DEFAULT_PODS = 110  # what a kubelet takes unless it is told otherwise


@dataclass(frozen=True)
class Pool:
    """A pool of equal nodes. `most`: how many nodes it may have in all, None where that is not said.

    `machine`: what pods can have of one of its nodes, None where that is to be seen on the nodes that it has. Its
    nodes are spread over `zones`, as evenly as may be.
    """

    name: str
    most: int | None = None
    machine: Mapping[str, int] | None = field(default=None, hash=False)
    labels: Labels = field(default_factory=dict, hash=False)
    taints: tuple[Taint, ...] | None = field(default=None, hash=False)
    zones: tuple[str, ...] = ()


@dataclass(frozen=True)
class Growth:
    """Which nodes may still come: nobody knows, or those of `pools`, or (as it is by default) none.

    `label` is what the platform puts a pool's name into.
    """

    unknown: bool = False
    pools: tuple[Pool, ...] = ()
    label: str = ""

    def __bool__(self) -> bool:
        return self.unknown or bool(self.pools)


NONE, UNKNOWN = Growth(), Growth(unknown=True)


def growth(autoscaling: Any, node_labels: Sequence[str] = ()) -> Growth:
    """What `autoscaling` in an environment's file says: none, unknown, or a list of pools.

    A pool is a name, or a mapping with name, max, machine, labels, taints and zones. Raises MlstackError for others.
    """
    if autoscaling == "none":
        return NONE
    if not isinstance(autoscaling, list):
        return UNKNOWN
    label = next((key for key in node_labels if key in POOL_LABELS), "")
    return Growth(pools=tuple(map(pool_of, autoscaling)), label=label)


def pool_of(entry: Any) -> Pool:
    """One entry of `autoscaling`. Raises MlstackError, without a place, for what is no pool."""
    if isinstance(entry, str):
        return Pool(entry)
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise MlstackError(f"a pool of autoscaling is a name, or has one of its own: {entry!r}")
    name = entry["name"]
    for key in entry:
        if key not in KEYS:
            raise MlstackError(f"the pool {name} has {key}, which means nothing; there are {', '.join(KEYS)}")
    most, machine, taints = entry.get("max"), entry.get("machine"), entry.get("taints")
    if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 0):
        raise MlstackError(f"the pool {name} has max: {most!r}, and must have a number of nodes")
    labels, zones = _checked(entry, "labels", dict, "a mapping"), _checked(entry, "zones", list, "a list")
    return Pool(
        name,
        most,
        None if machine is None else _machine(name, _checked(entry, "machine", dict, "a mapping")),
        {key: str(value) for key, value in labels.items()},
        None if taints is None else tuple(_checked(entry, "taints", list, "a list")),
        tuple(map(str, zones)),
    )


def _checked(entry: Mapping[str, Any], key: str, kind: type[Any], what: str) -> Any:
    value: Any = entry.get(key)
    if value is None:
        return kind()
    if not isinstance(value, kind):
        raise MlstackError(f"the pool {entry['name']} has {key}: {value!r}, and must have {what} there")
    if key == "taints" and not all(isinstance(one, dict) and one.get("key") and one.get("effect") for one in value):
        raise MlstackError(f"the pool {entry['name']} has a taint without key and effect")
    return value


def _machine(name: str, machine: Mapping[str, Any]) -> Amounts:
    wrong = next((key for key, value in machine.items() if amount(value) is None), "")
    if wrong:
        raise MlstackError(f"the pool {name} has machine.{wrong}: {machine[wrong]!r}, which is no amount")
    return {"pods": DEFAULT_PODS, **amounts(machine)}


def members(pool: Pool, rooms: Sequence[Room]) -> list[Room]:
    """The nodes that a pool has now."""
    return [room for room in rooms if any(room.labels.get(key) == pool.name for key in POOL_LABELS)]


def coming(pool: Pool, rooms: Sequence[Room], label: str, zone: str, index: int) -> Room | None:
    """The `index`th node that would come into a pool, in a zone ("": none that is known).

    Machine, labels, taints and the pods of daemon sets are those of the nodes that the pool has, unless it says them
    itself. None where neither does: a pool without nodes whose machine is not said.
    """
    there = members(pool, rooms)
    allocatable = pool.machine if pool.machine is not None else _machine_of(there)
    if allocatable is None:
        return None
    name = f"{pool.name}-new-{index + 1}"
    own = {HOST: name} | ({label: pool.name} if label else {}) | ({ZONE: zone} if zone else {})
    taints = pool.taints if pool.taints is not None else (_lasting(there[0]) if there else ())
    room = Room(name, {**_shared(there), **pool.labels, **own}, taints, dict(allocatable))
    for pod in _daemons(there):
        add(room.used, pod_requests(pod))
        room.pods.append(pod)
    return room


def _machine_of(there: Sequence[Room]) -> Mapping[str, int] | None:
    """What the nodes of a pool offer, the most of each: one whose driver is not ready yet offers less."""
    if not there:
        return None
    return {name: max(room.allocatable.get(name, 0) for room in there) for room in there for name in room.allocatable}


def zones_of(pool: Pool, rooms: Sequence[Room]) -> tuple[str, ...]:
    """The zones in which a pool's nodes come; ("",) where they are not known."""
    if pool.zones or ZONE in pool.labels:
        return pool.zones or (pool.labels[ZONE],)
    return tuple(sorted({room.labels[ZONE] for room in members(pool, rooms) if ZONE in room.labels})) or ("",)


def _shared(there: Sequence[Room]) -> dict[str, str]:
    """Labels that all nodes of a pool have alike."""
    first = there[0].labels.items() if there else ()
    return {key: value for key, value in first if all(room.labels.get(key) == value for room in there)}


def _lasting(room: Room) -> tuple[Taint, ...]:
    """Taints that nodes come with; those that stand for a node's state are left out."""
    return tuple(taint for taint in room.taints if not passes(taint))


def _daemons(there: Sequence[Room]) -> list[Pod]:
    """Pods of daemon sets: there is one on each node of a pool."""
    pods = there[0].pods if there else ()
    return [
        pod for pod in pods if any(o.get("kind") == "DaemonSet" for o in pod["metadata"].get("ownerReferences") or ())
    ]
