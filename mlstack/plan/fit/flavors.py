"""Kueue's choice of flavors for a job's pods: for each kind of pods, and each group of resources, one flavor.

Source: sigs.k8s.io/kueue v0.19 pkg/scheduler/flavorassigner, without preemption.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.cohorts import Purse, Share
from mlstack.plan.fit.labels import Labels, node_matches
from mlstack.plan.fit.requests import Amounts
from mlstack.plan.fit.taints import told, untolerated

Manifest = Mapping[str, Any]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@dataclass(frozen=True)
class Chosen:
    """What a job takes of which flavor's quotas, and each of its asks with what flavors add to the pods."""

    shares: Mapping[Share, int]
    bound: tuple[tuple[Ask, Ask], ...]


@dataclass(frozen=True)
class Short:
    """What a job does not get: `asked` of a resource, of which `left` are there now and `most` at best.

    `closed`: why no quota helps.
    """

    resource: str = ""
    asked: int = 0
    left: int = 0
    most: int = 0
    closed: str = ""


class _LackingError(Exception):
    """Ends a search for flavors; it never leaves this module."""

    def __init__(self, short: Short) -> None:
        super().__init__()
        self.short = short


def choose(purse: Purse, queue: Manifest, flavors: Mapping[str, Manifest], job: Sequence[Ask]) -> Chosen | Short:
    """A flavor for each resource of each kind of a job's pods, or what the first kind that finds none lacks."""
    choice = _Choice(purse, queue, flavors)
    try:
        bound = tuple([(ask, choice.kind(ask)) for ask in job])
    except _LackingError as found:
        return found.short
    return Chosen(choice.shares, bound)


class _Choice:
    """A search under way. `shares` is what the kinds of pods before have taken."""

    def __init__(self, purse: Purse, queue: Manifest, flavors: Mapping[str, Manifest]) -> None:
        self.purse, self.flavors = purse, flavors
        self.name = queue["metadata"]["name"]
        self.groups = queue["spec"].get("resourceGroups") or ()
        self.thrifty = (queue["spec"].get("flavorFungibility") or {}).get("whenCanBorrow") == "TryNextFlavor"
        self.shares: dict[Share, int] = {}

    def kind(self, ask: Ask) -> Ask:
        """The flavors of one kind of pods. Raises _LackingError."""
        needs = {name: number * ask.count for name, number in ask.needs.items() if number}
        found = []
        for group, here in self.grouped(needs | {"pods": ask.count}):
            flavor = self.flavor(ask, group, here)
            for resource, number in here.items():
                share = (flavor["metadata"]["name"], resource)
                self.shares[share] = self.shares.get(share, 0) + number
            found.append(flavor)
        return _bound(ask, found)

    def grouped(self, needs: Amounts) -> Iterator[tuple[Manifest, Amounts]]:
        """What is asked of each group of resources. Pods count only where a group covers them, all else must be."""
        left = dict(needs)
        for group in self.groups:
            here = {name: left.pop(name) for name in group.get("coveredResources") or () if name in left}
            if here:
                yield group, here
        left.pop("pods", None)
        for name in left:
            raise _LackingError(Short(name, closed=f"ClusterQueue {self.name} has no quota for {name}"))

    def flavor(self, ask: Ask, group: Manifest, needs: Amounts) -> Manifest:
        """The first flavor that has room, or with TryNextFlavor the first that need not borrow for it."""
        found = {entry["name"]: self.flavors.get(entry["name"]) for entry in group.get("flavors") or ()}
        why = {name: unfit(ask, name, flavor) for name, flavor in found.items()}
        fitting = [name for name in found if not why[name] and not self.scarce(name, needs)]
        own = [name for name in fitting if not (self.thrifty and self.borrows(name, needs))]
        for name in (*own, *fitting):
            flavor = found[name]
            if flavor is not None:
                return flavor
        open_ = [name for name in found if not why[name]]
        if not open_:
            raise _LackingError(Short(closed=f"no flavor of ClusterQueue {self.name} is for its pods: {_all(why)}"))
        raise _LackingError(min((self.scarce(name, needs)[0] for name in open_), key=_distance))

    def scarce(self, flavor: str, needs: Amounts) -> list[Short]:
        """What of a flavor is too little, what can never be enough first."""
        asked = {one: self.shares.get((flavor, one), 0) + number for one, number in needs.items()}
        found = [
            Short(one, number, self.purse.left((flavor, one)), self.purse.most((flavor, one)))
            for one, number in asked.items()
            if number > self.purse.left((flavor, one))
        ]
        return sorted(found, key=lambda one: (one.asked <= one.most, "/" not in one.resource))

    def borrows(self, flavor: str, needs: Amounts) -> bool:
        taken = {one: self.shares.get((flavor, one), 0) + number for one, number in needs.items()}
        return any(self.purse.borrows_for((flavor, one), number) for one, number in taken.items())


def _distance(short: Short) -> tuple[bool, int]:
    return short.asked > short.most, short.asked - short.left


def _all(why: Mapping[str, str]) -> str:
    return "; ".join(why.values())


def unfit(ask: Ask, name: str, flavor: Manifest | None) -> str:
    """Why a flavor's nodes are none for a pod, in words; "" if they are."""
    if flavor is None:
        return f"{name} is not there"
    spec, pod = flavor.get("spec") or {}, ask.pod["spec"]
    tolerations = [*(pod.get("tolerations") or ()), *(spec.get("tolerations") or ())]
    taint = untolerated(spec.get("nodeTaints") or (), tolerations)
    if taint is not None:
        return f"{name} has taint {told(taint)}"
    labels = spec.get("nodeLabels") or {}
    return "" if node_matches(_known(pod, labels), name, labels) else f"{name} is of another kind (node selector)"


def _known(spec: Mapping[str, Any], labels: Labels) -> dict[str, Any]:
    """A pod's wishes as far as a flavor says something of them: selectors over its own labels."""
    kept: dict[str, Any] = {
        "nodeSelector": {key: value for key, value in (spec.get("nodeSelector") or {}).items() if key in labels}
    }
    required = ((spec.get("affinity") or {}).get("nodeAffinity") or {}).get(REQUIRED) or {}
    terms = [_expressions(term, labels) for term in required.get("nodeSelectorTerms") or ()]
    if terms and all(terms):
        chosen = {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": one} for one in terms]}}
        kept["affinity"] = {"nodeAffinity": chosen}
    return kept


def _expressions(term: Mapping[str, Any], labels: Labels) -> list[Mapping[str, Any]]:
    return [one for one in term.get("matchExpressions") or () if one["key"] in labels]


def _bound(ask: Ask, flavors: Iterable[Manifest]) -> Ask:
    """The pods as Kueue lets them go: with their flavors' labels as node selector, and their tolerations."""
    spec = dict(ask.pod["spec"])
    for flavor in flavors:
        given = flavor.get("spec") or {}
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **(given.get("nodeLabels") or {})}
        spec["tolerations"] = [*(spec.get("tolerations") or ()), *(given.get("tolerations") or ())]
    return replace(ask, pod={**ask.pod, "spec": spec})
