"""The single setting `scale`: how many workers of how many devices come nearest to what is wanted and surely fit."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import single
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.growing import Coming, fully, needed
from mlstack.plan.fit.places import shape
from mlstack.plan.fit.pools import NONE, Growth
from mlstack.plan.fit.slots import slots
from mlstack.plan.fit.view import View

SIZES = (1, 2, 4, 8, 16)
SCALE = "max|[1-9][0-9]*|([1-9][0-9]?|100)%"
FORETOLD = 5  # workers beyond which it is worth to tell what more of them ask without asking for each number

AsksAt = Callable[[int, int], Sequence[Ask]]
"""What an app asks with so many workers of so many devices each."""


@dataclass(frozen=True)
class Size:
    """So many workers of so many devices each; `coming`: the nodes without which they do not fit."""

    workers: int
    each: int
    coming: tuple[Coming, ...] = ()

    @property
    def devices(self) -> int:
        """Devices in all; for jobs without any, workers."""
        return self.workers * max(1, self.each)


def check_scale(scale: str) -> None:
    """Raises MlstackError for what is neither `max`, `N` nor `P%`, as the prototypes' parameter has it."""
    if not re.fullmatch(SCALE, scale):
        meant = "max, a number of GPUs from 1 on, or a share from 1% to 100%"
        raise MlstackError(f"scale {scale!r} is not one of: {meant}.")


def wanted_devices(scale: str, free: int) -> int:
    """How many devices `max`, `N` or `P%` mean, where `free` are free: at least 1."""
    if scale == "max":
        return free
    return max(1, free * int(scale[:-1]) // 100) if scale.endswith("%") else int(scale)


def choose(
    view: View, asks_at: AsksAt, resource: str, scale: str, growth: Growth = NONE, loose: Collection[str] = ()
) -> Size | None:
    """The size that uses most of what is wanted, with the fewest workers; None where not one worker surely fits.

    More devices in one worker keep the traffic inside a node. `resource` "": workers without devices. A number that is
    not free now may count on the nodes that pools bring; `max` and percentages are of what is there. `loose`:
    components that take their places as well, but of which it does not matter whether they find them.
    """
    best = _chosen(view, asks_at, resource, scale, loose)
    if not growth.pools or not scale.isdigit() or (best and best.devices >= int(scale)):
        return best
    later = _chosen(fully(view, asks_at(int(scale), 1), growth), asks_at, resource, scale, loose)
    if later is None or (best and later.devices <= best.devices):
        return best
    return replace(later, coming=needed(view, asks_at(later.workers, later.each), growth))


def _chosen(view: View, asks_at: AsksAt, resource: str, scale: str, loose: Collection[str]) -> Size | None:
    best: Size | None = None
    target = wanted_devices(scale, _free(view, asks_at, resource, scale, loose))
    for each in _sizes(view, resource):
        if best and best.devices > min(target, _bound(view, resource, each)):
            continue
        found = Size(most_workers(view, asks_at, each, target // max(1, each), loose), each)
        if found.workers and (best is None or (found.devices, -found.workers) > (best.devices, -best.workers)):
            best = found
    return best


def _free(view: View, asks_at: AsksAt, resource: str, scale: str, loose: Collection[str]) -> int:
    """What a share is a share of: what nodes have free; for a job in a queue, as far as that lets it in."""
    if scale.endswith("%") and view.queues.there and any(ask.queue for ask in asks_at(1, 1 if resource else 0)):
        most = _chosen(view, asks_at, resource, "max", loose)
        return most.devices if most else 0
    return free_devices(view, asks_at, resource)


def _bound(view: View, resource: str, each: int) -> int:
    """Devices that workers of so many each can use at most; without devices there is no such bound worth a look."""
    if not each:
        return sys.maxsize
    return sum(max(0, room.free(resource)) // each * each for room in view.nodes or ())


def most_workers(view: View, asks_at: AsksAt, each: int, limit: int, loose: Collection[str] = ()) -> int:
    """The most workers, up to `limit`, with which all that is asked surely fits, what is `loose` left out."""
    if limit > FORETOLD:
        found = _most(view, _foretold(asks_at, each), limit, loose)
        if found == 0 or surely_fits(view, asks_at(found, each), loose):
            return found
    return _most(view, lambda workers: asks_at(workers, each), limit, loose)


def _most(view: View, asks_of: Callable[[int], Sequence[Ask]], limit: int, loose: Collection[str]) -> int:
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if surely_fits(view, asks_of(middle), loose):
            low = middle
        else:
            high = middle - 1
    return low


def _foretold(asks_at: AsksAt, each: int) -> Callable[[int], Sequence[Ask]]:
    """What is asked with any number of workers, told from what two and three of them ask.

    To ask means to render, which takes longer than to see whether it fits. The first worker may be of its own kind.
    """
    two, three = asks_at(2, each), asks_at(3, each)
    alike = len(two) == len(three) and all(
        one.role == other.role and shape(one.pod) == shape(other.pod) for one, other in zip(two, three, strict=True)
    )

    def asks_of(workers: int) -> Sequence[Ask]:
        if workers < 2 or not alike:
            return asks_at(workers, each)
        pairs = zip(two, three, strict=True)
        return [replace(one, count=one.count + (other.count - one.count) * (workers - 2)) for one, other in pairs]

    return asks_of


def surely_fits(view: View, asked: Sequence[Ask], loose: Collection[str] = ()) -> bool:
    """Test whether all finds a place, in whatever order; components that are `loose` need not."""
    return all(each.verdict is Verdict.FITS or each.ask.component in loose for each in fit(view, asked))


def unsure_anyway(view: View, asked: Sequence[Ask]) -> set[str]:
    """The components that do not surely fit, whatever else comes: nothing can be chosen so that they do."""
    return {each.ask.component for each in fit(view, asked) if each.verdict is not Verdict.FITS}


def free_devices(view: View, asks_at: AsksAt, resource: str) -> int:
    """Devices that are free on the nodes which take one of the workers; without devices, the workers that fit."""
    nodes = view.nodes or ()
    if not resource:
        return sum(1 for room in nodes if slots(room, asks_at(1, 0)[0].pod).count)  # one a node: they share its cores
    worker = next((ask for ask in asks_at(1, 1) if ask.needs.get(resource)), None)
    if worker is None:
        return 0
    return sum(room.free(resource) for room in nodes if slots(room, worker.pod, worker.needs).count)


def _sizes(view: View, resource: str) -> list[int]:
    """Devices per worker that are worth a try: powers of two, and the most that one node has free."""
    if not resource:
        return [0]
    having = [room for room in view.nodes or () if room.allocatable.get(resource)]
    if any(single(room.labels, resource) for room in having):
        return [1]
    top = max((room.free(resource) for room in having), default=0)
    return sorted({size for size in SIZES if size <= top} | ({top} if top > 0 else set()))
