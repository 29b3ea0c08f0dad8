"""How many equal pods fit where rules look beyond one node: spread over zones, apart from each other, or together.

Each rule works on domains: the nodes that share a label's value.
Source: the scheduler's InterPodAffinity and PodTopologySpread (KEPs 895, 3022, 3094, 3243).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlstack.plan.fit.labels import Labels, node_matches, selects
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.slots import Slots
from mlstack.plan.fit.taints import untolerated
from mlstack.plan.fit.terms import Term, keyed, labels_of, meets, meets_all, namespace_of, terms

APART, SPREAD, TOGETHER = "anti-affinity", "topology spread", "affinity"
OTHERS = "other pods' anti-affinity"


@dataclass(frozen=True)
class Range:
    """How many pods will find a place: at least `low`, at most `high`; equal where it does not depend on the order.

    `why` names the rule across nodes that allows no more, "" for none.
    """

    low: int
    high: int
    why: str = ""


Coupling = Callable[[Sequence[Slots]], Range]


def usable(found: Sequence[Slots], pod: Pod) -> list[Slots]:
    """The nodes' slots after the rules across nodes that the pods already there decide."""
    rooms = [one.room for one in found]
    closed = [*_closed_by_others(pod, rooms), *_closed_by_own(pod, rooms), *_closed_by_spread(pod, rooms)]
    return [_unless(one, closed) for one in found] if closed else list(found)


def rules_against(pod: Pod, rooms: Sequence[Room], *, first: bool) -> Callable[[Labels], list[str]]:
    """The rules across nodes that keep a pod off nodes with some labels, for the pods that are there.

    `rooms`: all nodes, since pods on any of them count. `first`: no node takes any, so that no pod of its own kind can
    bring the emptiest domain up.
    """
    spread = _closed_by_spread(pod, rooms, first=first)
    closed = [*_closed_by_others(pod, rooms), *_closed_by_own(pod, rooms), *spread]
    return lambda labels: list(dict.fromkeys(each.rule for each in closed if each.covers(labels)))


def placed(open_: Sequence[Slots], pod: Pod) -> Range:
    """How many pods like `pod` (with its namespace and labels) the nodes take together; `open_` are their usable slots.

    Exact with at most one rule that couples the pods to each other; with several, `low` is 0 and `high` the least that
    one of them allows. A rule that allows as many as there is room for is not named.
    """
    couplings = list(_couplings(pod, [one.room for one in open_]))
    total = sum(one.count for one in open_)
    if not couplings or not total:
        return Range(total, total)
    ranges = [coupling(open_) for coupling in couplings]
    strictest = min(ranges, key=lambda one: one.high)
    if len(ranges) > 1:
        return replace(strictest, low=0)
    return Range(total, total) if strictest.low >= total else strictest


def as_strict(open_: Sequence[Slots], pod: Pod, high: int) -> list[str]:
    """The rules between pods like `pod` that let no more than `high` of them in, however much room nodes have."""
    larger = [replace(one, count=one.count + 1) if one.count else one for one in open_]
    ranges = (coupling(larger) for coupling in _couplings(pod, [one.room for one in open_]))
    return list(dict.fromkeys(one.why for one in ranges if one.high <= high))


def coupled(pod: Pod, rooms: Sequence[Room]) -> bool:
    """Test whether a rule decides where the pods after the first may go."""
    return any(True for _ in _couplings(pod, rooms))


@dataclass(frozen=True)
class _Closed:
    """Domains that take none: those in `values`, or all but them; nodes without the label as `without` says."""

    key: str
    values: frozenset[str]
    rule: str
    all_but: bool = False
    without: bool = False

    def covers(self, labels: Labels) -> bool:
        value = labels.get(self.key)
        return self.without if value is None else (value in self.values) is not self.all_but


def _unless(one: Slots, closed: Sequence[_Closed]) -> Slots:
    rule = next((each for each in closed if each.covers(one.room.labels)), None)
    return one if rule is None or not one.count else Slots(one.room, 0, rule.rule, rule.key)


def _closed_by_others(pod: Pod, rooms: Sequence[Room]) -> Iterator[_Closed]:
    """Pods that are there may not want ours beside them."""
    found: dict[str, set[str]] = {}
    for room in rooms:
        for other in room.pods:
            if "affinity" not in other["spec"]:
                continue  # most pods, of which there may be very many
            for term in terms(other, "podAntiAffinity"):
                value = room.labels.get(term["topologyKey"])
                if value is not None and meets(term, other, pod):
                    found.setdefault(term["topologyKey"], set()).add(value)
    for key, values in found.items():
        yield _Closed(key, frozenset(values), OTHERS)


def _closed_by_own(pod: Pod, rooms: Sequence[Room]) -> Iterator[_Closed]:
    for term in terms(pod, "podAntiAffinity"):
        yield _Closed(term["topologyKey"], frozenset(_domains_with(term["topologyKey"], [term], pod, rooms)), APART)
    wanted = terms(pod, "podAffinity")
    first = _is_first(pod, rooms)
    for term in wanted:
        beside = frozenset(_domains_with(term["topologyKey"], wanted, pod, rooms))
        yield _Closed(term["topologyKey"], beside, TOGETHER, all_but=not first, without=True)


def _is_first(pod: Pod, rooms: Sequence[Room]) -> bool:
    """Whether a pod's affinity is to pods like itself of which there is none: the first of them may go anywhere."""
    wanted = terms(pod, "podAffinity")
    found = any(_domains_with(term["topologyKey"], wanted, pod, rooms) for term in wanted)
    return bool(wanted) and not found and meets_all(wanted, pod, pod)


def _domains_with(key: str, wanted: Sequence[Term], pod: Pod, rooms: Sequence[Room]) -> set[str]:
    """Domains that hold a pod which all these terms of `pod` mean."""
    found = {room.labels.get(key) for room in rooms if any(meets_all(wanted, pod, other) for other in room.pods)}
    return {value for value in found if value is not None}


def _couplings(pod: Pod, rooms: Sequence[Room]) -> Iterator[Coupling]:
    """The rules that pods like `pod` make for each other."""
    for term in terms(pod, "podAntiAffinity"):
        if meets(term, pod, pod):
            yield _apart(term["topologyKey"])
    if _is_first(pod, rooms):
        yield _together([term["topologyKey"] for term in terms(pod, "podAffinity")])
    for constraint in _constraints(pod):
        if selects(_selector(constraint, pod), labels_of(pod)):
            yield _spread(constraint, _counts(constraint, pod, rooms))


def _apart(key: str) -> Coupling:
    """One in each domain; nodes without the label are not bound by it."""

    def allowed(found: Sequence[Slots]) -> Range:
        domains = _capacity(found, key)
        free = sum(one.count for one in found if key not in one.room.labels)
        total = free + sum(1 for count in domains.values() if count)
        return Range(total, total, APART)

    return allowed


def _together(keys: Sequence[str]) -> Coupling:
    """All where the first goes, which may be any node: on the nodes that share all its domains."""

    def allowed(found: Sequence[Slots]) -> Range:
        sums: dict[tuple[str, ...], int] = {}
        for one in found:
            shared = tuple(one.room.labels.get(key, "") for key in keys)
            sums[shared] = sums.get(shared, 0) + one.count
        counts = [count for count in sums.values() if count]
        return Range(min(counts, default=0), max(counts, default=0), TOGETHER)

    return allowed


def _spread(constraint: Mapping[str, Any], there: Mapping[str, int]) -> Coupling:
    """No domain ahead of the emptiest by more than maxSkew.

    Whatever the order, filling ends in the same state: the domain that is full at the fewest pods holds all others
    back at its number and the skew.
    """
    key, skew = constraint["topologyKey"], constraint["maxSkew"]

    def allowed(found: Sequence[Slots]) -> Range:
        capacity = _capacity(found, key)
        full = {domain: count + capacity.get(domain, 0) for domain, count in there.items()}
        floor = 0 if len(full) < (constraint.get("minDomains") or 1) else min(full.values(), default=0)
        total = sum(max(0, min(full[domain], floor + skew) - count) for domain, count in there.items())
        return Range(total, total, SPREAD)

    return allowed


def _closed_by_spread(pod: Pod, rooms: Sequence[Room], *, first: bool = False) -> Iterator[_Closed]:
    """Nodes without the label take none; where pods do not count for their own rule, full domains stay full.

    `first`: those domains, too, that take none as long as no other domain has taken one.
    """
    for constraint in _constraints(pod):
        key, there = constraint["topologyKey"], _counts(constraint, pod, rooms)
        ahead: set[str] = set()
        own = selects(_selector(constraint, pod), labels_of(pod))
        if first or not own:
            floor = 0 if len(there) < (constraint.get("minDomains") or 1) else min(there.values(), default=0)
            ahead = {domain for domain, count in there.items() if count + own - floor > constraint["maxSkew"]}
        yield _Closed(key, frozenset(ahead), SPREAD, without=True)


def _constraints(pod: Pod) -> list[Mapping[str, Any]]:
    """Those that forbid; ScheduleAnyway only prefers."""
    found = pod["spec"].get("topologySpreadConstraints") or ()
    return [one for one in found if one.get("whenUnsatisfiable") == "DoNotSchedule"]


def _counts(constraint: Mapping[str, Any], pod: Pod, rooms: Sequence[Room]) -> dict[str, int]:
    """Pods by domain that a constraint is about, on the nodes that it looks at."""
    keys = [one["topologyKey"] for one in _constraints(pod)]
    selector = _selector(constraint, pod)
    found: dict[str, int] = {}
    for room in rooms:
        if all(key in room.labels for key in keys) and _looks_at(constraint, pod, room):
            domain = room.labels[constraint["topologyKey"]]
            found[domain] = found.get(domain, 0) + sum(1 for other in room.pods if _counts_for(selector, pod, other))
    return found


def _looks_at(constraint: Mapping[str, Any], pod: Pod, room: Room) -> bool:
    """By default a constraint honours the pod's node affinity and ignores taints."""
    honours_nodes = constraint.get("nodeAffinityPolicy", "Honor") == "Honor"
    if honours_nodes and not node_matches(pod["spec"], room.name, room.labels):
        return False
    if constraint.get("nodeTaintsPolicy", "Ignore") == "Ignore":
        return True
    return untolerated(room.taints, pod["spec"].get("tolerations") or ()) is None


def _counts_for(selector: Mapping[str, Any] | None, pod: Pod, other: Pod) -> bool:
    leaving = other["metadata"].get("deletionTimestamp")
    return not leaving and namespace_of(other) == namespace_of(pod) and selects(selector, labels_of(other))


def _selector(constraint: Mapping[str, Any], pod: Pod) -> Mapping[str, Any] | None:
    return keyed(constraint.get("labelSelector"), constraint, pod)


def _capacity(found: Sequence[Slots], key: str) -> dict[str, int]:
    """Slots by domain; nodes without the label are in none."""
    sums: dict[str, int] = {}
    for one in found:
        domain = one.room.labels.get(key)
        if domain is not None:
            sums[domain] = sums.get(domain, 0) + one.count
    return sums
