"""Whether all pods of some asks find a place on a cluster, whatever the order in which the scheduler takes them.

Pods that are equal are counted exactly. Pods of different kinds take each other's room: they fit for certain if each
kind does so after the others have taken the worst places for it, and for certain not if too little is left for them
together. Between the two the answer depends on the scheduler's taste, and is not given.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.domains import Range, placed, usable
from mlstack.plan.fit.limits import refusals, with_defaults
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.phrases import claim_missing, claim_unbound
from mlstack.plan.fit.quota import exceeded
from mlstack.plan.fit.requests import Amounts, add
from mlstack.plan.fit.slots import VOLUME, Slots, slots
from mlstack.plan.fit.view import View, out_of_scope
from mlstack.plan.fit.volumes import alone, missing, reachable, unbound

LARGEST = 200_000  # states of the exact search for the worst places


class Verdict(enum.Enum):
    """Whether asks fit now."""

    FITS = "fits"
    NOT = "does not fit"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Fit:
    """How one ask fares: `found` are the nodes' slots for it, with nothing else taken; `room` what they make together.

    `worst`: how many find a place after the other asks took the worst places for it. `told` says what keeps it off
    besides the nodes (quota, limit range, claim), or why it cannot be told; `claim`: it waits for a
    claim or its volume.
    """

    ask: Ask
    verdict: Verdict
    found: tuple[Slots, ...]
    room: Range
    worst: int
    told: str = ""
    claim: bool = False

    @property
    def missing(self) -> int:
        """How many of its pods find no place, at least."""
        return max(0, self.ask.count - self.room.high)


def fit(view: View, asked: Sequence[Ask]) -> list[Fit]:
    """How each ask fares on the cluster as it is now, all of them together."""
    wanted = [_admitted(view, ask) for ask in asked if ask.count]
    crowded = _too_little_together(view.nodes or (), wanted)
    refused = _over_quota(view, wanted)
    return [_fit(view, ask, [other for other in wanted if other is not ask], crowded, refused) for ask in wanted]


def _admitted(view: View, ask: Ask) -> Ask:
    pod = with_defaults(ask.pod, view.ranges)
    return ask if pod is ask.pod else replace(ask, pod=pod)


def _fit(view: View, ask: Ask, others: Sequence[Ask], crowded: bool, refused: str) -> Fit:
    found = [_slots(view, room, ask) for room in view.nodes or ()]
    room = placed(found, ask.pod)
    if alone(ask.pod, view.storage):
        room = Range(min(1, room.low), min(1, room.high), "claim")
    worst = worst_room(ask, found, others, room)
    waits = _waits_for(view, ask)
    no = refused or next(iter(refusals(ask.pod, view.ranges)), "") or waits
    unsure = out_of_scope(ask.pod) or ("nodes may not be listed" if view.nodes is None else "")
    verdict = Verdict.UNKNOWN
    if no or (not unsure and (ask.count > room.high or crowded)):
        verdict = Verdict.NOT
    elif ask.count <= worst and not unsure and not view.partly:
        verdict = Verdict.FITS
    return Fit(ask, verdict, tuple(found), room, worst, no or unsure, claim=bool(waits) and no == waits)


def _slots(view: View, room: Room, ask: Ask) -> Slots:
    if not reachable(ask.pod, view.storage, room.name, room.labels):
        return Slots(room, 0, VOLUME)
    return slots(room, ask.pod, ask.needs)


def _waits_for(view: View, ask: Ask) -> str:
    """The claim that keeps a pod off every node, in words."""
    for name in missing(ask.pod, view.storage):
        return claim_missing(name)
    for name in unbound(ask.pod, view.storage):
        return claim_unbound(name)
    return ""


def _over_quota(view: View, asked: Sequence[Ask]) -> str:
    """The quota that does not let all the pods in, in words."""
    for quota in view.quotas:
        over = exceeded(quota, [(ask.pod, ask.count) for ask in asked])
        if over:
            return over
    return ""


def worst_room(ask: Ask, found: Sequence[Slots], others: Sequence[Ask], room: Range) -> int:
    """How many of `ask` surely find a place, whatever places the other asks' pods take."""
    simple = room.low - sum(other.count * _cost(ask.needs, other.needs) for other in others)
    if simple >= ask.count or not others:
        return max(0, simple)
    if room.why or not _small(found, others):
        return max(0, simple)  # rules across nodes: only the simple bound holds
    return max(0, simple, room.low - _greatest_loss(ask, usable(found, ask.pod), others))


def _cost(needs: Amounts, other: Amounts) -> int:
    """The most slots that one other pod can take from an ask, on any node: as many as its largest share covers."""
    shares = [math.ceil(other.get(name, 0) / number) for name, number in needs.items() if number]
    return max([1, *shares])


def _small(found: Sequence[Slots], others: Sequence[Ask]) -> bool:
    states = math.prod(other.count + 1 for other in others)
    return states * states * len(found) <= LARGEST


def _greatest_loss(ask: Ask, found: Sequence[Slots], others: Sequence[Ask]) -> int:
    """The most slots that the others' pods can take together: over nodes, the best split of them for that."""
    best = {(0,) * len(others): 0}
    for one in found:
        if one.count:
            best = _with_node(best, _losses(ask, one, others), tuple(other.count for other in others))
    return max(best.values())


def _losses(ask: Ask, one: Slots, others: Sequence[Ask]) -> dict[tuple[int, ...], int]:
    """Slots lost on one node by how many pods of each other ask stand on it; those that cost nothing left out."""
    losses = {(0,) * len(others): 0}
    most = [min(other.count, slots(one.room, other.pod, other.needs).count) for other in others]
    for here in _counts(most):
        room = Room(one.room.name, one.room.labels, one.room.taints, one.room.allocatable, dict(one.room.used))
        room.pods = list(one.room.pods)
        if _place(room, here, others):
            losses[here] = one.count - min(one.count, slots(room, ask.pod, ask.needs).count)
    return losses


def _counts(most: Sequence[int]) -> list[tuple[int, ...]]:
    found: list[tuple[int, ...]] = [()]
    for number in most:
        found = [(*so_far, here) for so_far in found for here in range(number + 1)]
    return found


def _place(room: Room, here: Sequence[int], others: Sequence[Ask]) -> bool:
    """Puts so many pods of each ask on a node; False where they do not all fit."""
    for count, other in zip(here, others, strict=True):
        if slots(room, other.pod, other.needs).count < count:
            return False
        for _ in range(count):
            add(room.used, other.needs)
            room.pods.append(other.pod)
    return True


def _with_node(
    best: dict[tuple[int, ...], int], losses: dict[tuple[int, ...], int], most: Sequence[int]
) -> dict[tuple[int, ...], int]:
    found = dict(best)
    for used, lost in best.items():
        for here, more in losses.items():
            state = tuple(a + b for a, b in zip(used, here, strict=True))
            if more and all(a <= b for a, b in zip(state, most, strict=True)):
                found[state] = max(found.get(state, 0), lost + more)
    return found


def _too_little_together(rooms: Sequence[Room], asked: Sequence[Ask]) -> bool:
    """Whether the nodes that any of them may use have too little of some resource for all of them."""
    if len(asked) < 2:
        return False
    total: Amounts = {}
    for ask in asked:
        add(total, {name: number * ask.count for name, number in ask.needs.items()} | {"pods": ask.count})
    return any(_free(rooms, asked, name) < number for name, number in total.items() if number)


def _free(rooms: Sequence[Room], asked: Sequence[Ask], resource: str) -> int:
    """What nodes that take at least one of the pods have left of a resource."""
    return sum(max(0, room.free(resource)) for room in rooms if any(slots(room, a.pod, a.needs).count for a in asked))
