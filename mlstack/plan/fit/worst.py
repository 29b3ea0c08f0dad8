"""How many pods of one kind surely find a place, whatever places the other kinds' pods take first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.places import places, shape
from mlstack.plan.fit.requests import Amounts, add
from mlstack.plan.fit.slots import Slots, host_ports, slots
from mlstack.plan.fit.view import View

LARGEST = 200_000  # states of the exact search for the worst places

Counts = tuple[int, ...]
Losses = Mapping[Counts, int]
"""Slots lost on one node, by how many pods of each other ask stand on it."""


def worst_room(view: View, ask: Ask, others: Sequence[Ask]) -> int:
    """How many of `ask` surely find a place, whatever places the other asks' pods take."""
    room = places(view, ask).room
    simple = room.low - sum(other.count * _cost(ask.needs, other.needs) for other in others)
    if simple >= ask.count or not others or room.why:  # with rules across nodes only the simple bound holds
        return max(0, simple)
    key = ("loss", shape(ask.pod), *((shape(other.pod), other.count) for other in others))
    if key not in view.known:
        view.known[key] = _greatest_loss(ask, places(view, ask).open_, others)
    loss: int | None = view.known[key]
    return max(0, simple, 0 if loss is None else room.low - loss)


def _cost(needs: Amounts, other: Amounts) -> int:
    """The most slots that one other pod can take from an ask, on any node: as many as its largest share covers."""
    shares = [math.ceil(other.get(name, 0) / number) for name, number in needs.items() if number]
    return max([1, *shares])


def _greatest_loss(ask: Ask, found: Sequence[Slots], others: Sequence[Ask]) -> int | None:
    """The most slots that the others' pods can take together: over nodes, the best split of them for that.

    Nodes on which the others' pods cost the same are alike, and no more of them matter than there are such pods. None
    where there are too many ways.
    """
    nodes = _alike(ask, [one for one in found if one.count], others)
    most = tuple(other.count for other in others)
    states = math.prod(count + 1 for count in most)
    if states * states * len(nodes) > LARGEST:
        return None
    kinds = Counter[frozenset[tuple[Counts, int]]]()
    for one, number in nodes:
        kinds[frozenset((here, lost) for here, lost in _losses(ask, one, others).items() if lost)] += number
    best: dict[Counts, int] = {(0,) * len(others): 0}
    for losses, number in kinds.items():
        for _ in range(min(number, sum(most)) if losses else 0):
            best = _with_node(best, dict(losses), most)
    return max(best.values())


def _alike(ask: Ask, found: Sequence[Slots], others: Sequence[Ask]) -> list[tuple[Slots, int]]:
    """One of each kind of nodes, with how many there are: as much free, as many slots for each kind of pod."""
    resources = sorted({name for one in (ask, *others) for name in one.needs} | {"pods"})
    ports = any(True for one in (ask, *others) for _ in host_ports(one.pod["spec"]))
    kinds: dict[object, list[Slots]] = {}
    for one in found:
        free = tuple(one.room.free(name) for name in resources)
        takes = tuple(min(other.count, slots(one.room, other.pod, other.needs).count) for other in others)
        kinds.setdefault((one.room.name if ports else "", one.count, free, takes), []).append(one)
    return [(nodes[0], len(nodes)) for nodes in kinds.values()]


def _losses(ask: Ask, one: Slots, others: Sequence[Ask]) -> Losses:
    """Slots lost on one node by how many pods of each other ask stand on it."""
    losses = {}
    most = [min(other.count, slots(one.room, other.pod, other.needs).count) for other in others]
    for here in _counts(most):
        room = Room(one.room.name, one.room.labels, one.room.taints, one.room.allocatable, dict(one.room.used))
        room.pods = list(one.room.pods)
        if _place(room, here, others):
            losses[here] = one.count - min(one.count, slots(room, ask.pod, ask.needs).count)
    return losses


def _counts(most: Sequence[int]) -> Iterator[Counts]:
    if not most:
        yield ()
        return
    for rest in _counts(most[1:]):
        for here in range(most[0] + 1):
            yield (here, *rest)


def _place(room: Room, here: Sequence[int], others: Sequence[Ask]) -> bool:
    """Puts so many pods of each ask on a node; False where they do not all fit."""
    for count, other in zip(here, others, strict=True):
        if slots(room, other.pod, other.needs).count < count:
            return False
        for _ in range(count):
            add(room.used, other.needs)
            room.pods.append(other.pod)
    return True


def _with_node(best: Mapping[Counts, int], losses: Losses, most: Counts) -> dict[Counts, int]:
    found = dict(best)
    for used, lost in best.items():
        for here, more in losses.items():
            state = tuple(a + b for a, b in zip(used, here, strict=True))
            if all(a <= b for a, b in zip(state, most, strict=True)):
                found[state] = max(found.get(state, 0), lost + more)
    return found
