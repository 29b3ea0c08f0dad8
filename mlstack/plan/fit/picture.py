"""A cluster's accelerators as a picture: who holds which nodes', and where a job may go. Nodes that look alike are one.

Where exactly the scheduler puts a pod that several nodes take is its own choice; the picture spreads them, as it tends
to.
"""

from __future__ import annotations

import heapq
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from mlstack.plan.fit.devices import holders, is_spot, unready
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.slots import RESOURCE, Slots

MOST = 24  # groups, so that a cluster of hundreds of nodes fits a screen


class Use(StrEnum):
    """What becomes of devices."""

    HELD = "held"
    TAKEN = "taken"  # by the job that is asked about
    FREE = "free"
    CLOSED = "closed"  # free, but not for this job


@dataclass(frozen=True)
class Part:
    """So many devices of one use. `who` is the holder, (namespace, name), of those held; ("", "") for several."""

    use: Use
    number: int
    who: tuple[str, str] = ("", "")


@dataclass(frozen=True)
class Group:
    """Nodes that look alike. `ready`: their kubelets offer the devices.

    `parts` are those of one node; with `summed` of all of them, which differ.
    """

    names: tuple[str, ...]
    model: str
    spot: bool
    ready: bool
    parts: tuple[Part, ...]
    summed: bool = False

    @property
    def devices(self) -> int:
        """Devices in `parts`."""
        return sum(part.number for part in self.parts)

    def count(self, use: Use) -> int:
        """Devices of one use, on all of its nodes."""
        return sum(part.number for part in self.parts if part.use is use) * (1 if self.summed else len(self.names))

    @property
    def title(self) -> str:
        """`pool-0`; `pool-0 … pool-41 (42 nodes)`."""
        if len(self.names) == 1:
            return self.names[0]
        return f"{self.names[0]} … {self.names[-1]} ({len(self.names)} nodes)"


@dataclass(frozen=True)
class Picture:
    """Groups of nodes by model, and the holders by how much they hold, the largest first.

    `job` is what is asked about, with `placed` of its `asked` pods in the picture.
    """

    resource: str
    job: str
    asked: int
    placed: int
    groups: tuple[Group, ...]
    holders: tuple[tuple[tuple[str, str], int], ...]

    def count(self, use: Use) -> int:
        """Devices of one use, on all nodes."""
        return sum(group.count(use) for group in self.groups)


def picture(fits: Sequence[Fit], resource: str, models: Mapping[str, str]) -> Picture | None:
    """The picture of one component's asks; None where it asks for no accelerator, or no node has any.

    `models` are the nodes' by name, as people call them.
    """
    asking = [one for one in fits if one.ask.needs.get(resource)]
    if not asking:
        return None
    taken, placed = _placed(asking, resource)
    shown = [one for one in asking[0].found if one.room.allocatable.get(resource) or unready(one.room, resource)]
    nodes = [_node(one, taken[one.room.name], resource, models) for one in shown]
    held = Counter[tuple[str, str]]()
    for one in shown:
        held.update(holders(one.room, resource))
    asked = sum(one.ask.count for one in asking)
    job = asking[0].ask.component
    return Picture(resource, job, asked, placed, _groups(nodes), tuple(held.most_common())) if nodes else None


def _placed(asking: Iterable[Fit], resource: str) -> tuple[Counter[str], int]:
    """Devices that the pods may take, by node, and how many pods there are: each goes where most would still fit."""
    taken: Counter[str] = Counter()
    placed = 0
    for one in asking:
        each, open_ = one.ask.needs[resource], [slots for slots in one.found if slots.count > 0]
        most = [(-slots.count, at) for at, slots in enumerate(open_)]
        heapq.heapify(most)
        left = 0 if one.told else min(one.ask.count, one.room.high)
        while left and most:
            less, at = most[0]
            if not less or open_[at].room.free(resource) - taken[open_[at].room.name] < each:
                heapq.heappop(most)  # what was placed before took it
                continue
            heapq.heapreplace(most, (less + 1, at))
            taken[open_[at].room.name] += each
            placed, left = placed + 1, left - 1
    return taken, placed


def _node(one: Slots, taken: int, resource: str, models: Mapping[str, str]) -> Group:
    room = one.room
    free = max(0, room.free(resource) - taken)
    rest = Use.FREE if one.count or one.limit == RESOURCE else Use.CLOSED
    held = [Part(Use.HELD, number, who) for who, number in holders(room, resource).most_common()]
    parts = [*held, Part(Use.TAKEN, taken), Part(rest, free)]
    return Group(
        (room.name,),
        models.get(room.name, ""),
        is_spot(room.labels),
        not unready(room, resource),
        tuple(part for part in parts if part.number),
    )


def _groups(nodes: Sequence[Group]) -> tuple[Group, ...]:
    """Equal nodes together; where that leaves too many, whoever holds their devices; at last only by what is free."""
    found = _alike(nodes, lambda group: group.parts)
    if len(found) > MOST:
        found = _alike([replace(group, parts=_by_use(group.parts)) for group in nodes], lambda group: group.parts)
    if len(found) > MOST:
        found = _alike(nodes, lambda group: group.devices)
    return found


def _by_use(parts: Sequence[Part]) -> tuple[Part, ...]:
    """The parts without their holders' names, one for each use."""
    found = [(use, sum(part.number for part in parts if part.use is use)) for use in Use]
    return tuple(Part(use, number) for use, number in found if number)


def _alike(nodes: Sequence[Group], look: Callable[[Group], object]) -> tuple[Group, ...]:
    found: dict[object, list[Group]] = {}
    for group in nodes:
        found.setdefault((group.model, group.spot, group.ready, look(group)), []).append(group)
    groups = [_together(alike) for alike in found.values()]
    return tuple(sorted(groups, key=lambda group: (group.model, group.spot, _natural(group.names[0]))))


def _together(alike: Sequence[Group]) -> Group:
    names = tuple(sorted((group.names[0] for group in alike), key=_natural))
    if all(group.parts == alike[0].parts for group in alike):
        return replace(alike[0], names=names)
    return replace(alike[0], names=names, parts=_by_use([p for group in alike for p in group.parts]), summed=True)


def _natural(name: str) -> list[tuple[int, str]]:
    """node-2 before node-10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
