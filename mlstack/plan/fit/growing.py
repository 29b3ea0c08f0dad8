"""How many nodes of which pools have to come until asks fit: the fewest of one pool, else of several together."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.places import shape
from mlstack.plan.fit.pools import ZONE, Growth, Pool, coming, members, zones_of
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import mounts
from mlstack.wording import counted


@dataclass(frozen=True)
class Coming:
    """So many more nodes of a pool; `bounded`: it is known to grow so far; `zone`: where they have to be."""

    pool: str
    nodes: int
    bounded: bool = True
    zone: str = ""

    def __str__(self) -> str:
        more = f"{counted(self.nodes, 'more node')} of pool {self.pool}"
        return more + (f" in zone {self.zone}" if self.zone else "")


def after(coming: Sequence[Coming]) -> str:
    """`after 2 more nodes of pool a and 1 more node of pool b come`."""
    verb = "comes" if len(coming) == 1 and coming[0].nodes == 1 else "come"
    return f"after {' and '.join(map(str, coming))} {verb}"


@dataclass(frozen=True)
class _Source:
    """A pool's further nodes, in the order in which they come."""

    pool: Pool
    nodes: tuple[Room, ...]
    zone: str = ""


def needed(view: View, asked: Sequence[Ask], growth: Growth) -> tuple[Coming, ...]:
    """The nodes that have to come for all asks to fit, with the pods that are there now; () where no number helps.

    One pool alone is preferred, that with the fewest nodes; else several, none of which can do with fewer.
    """
    known = [source for pool in growth.pools for source in _sources(view, asked, pool, growth.label)]
    alone = [(number, source) for source in known if (number := _fewest(view, asked, source))]
    if alone:
        number, source = min(alone, key=lambda one: one[0])
        return (_told(source, number),)
    first = {source.pool.name: source for source in reversed(known)}
    return _together(view, asked, [first[name] for name in reversed(first)])


def fully(view: View, asked: Sequence[Ask], growth: Growth, *, everywhere: bool = False) -> View:
    """The cluster with all nodes that can come; `everywhere`: so many in each zone of a pool, which is a bound."""
    sources = [source for pool in growth.pools for source in _sources(view, asked, pool, growth.label)]
    chosen = [one for one in sources if bool(one.zone) is (everywhere and _several(view, one.pool))]
    return grown(view, [node for source in chosen for node in source.nodes])


def vague(view: View, asked: Sequence[Ask], growth: Growth) -> str:
    """Why it is not known what the pools can bring, in words; "" if it is."""
    nodes = view.nodes or ()
    for pool in growth.pools:
        there = members(pool, nodes)
        if pool.machine is None and not there:
            return f"the machine of pool {pool.name} is not said, and it has no node"
        if pool.most is None:
            return f"how far pool {pool.name} may grow is not said"
        if zones_of(pool, nodes) == ("",) and any(ZONE in shape(ask.pod) or mounts(ask.pod) for ask in asked):
            return f"the zones of pool {pool.name} are not said"
    return ""


def grown(view: View, nodes: Sequence[Room]) -> View:
    """The cluster with more nodes."""
    return replace(view, nodes=[*(view.nodes or ()), *nodes], base=view) if nodes else view


def _several(view: View, pool: Pool) -> bool:
    return len(zones_of(pool, view.nodes or ())) > 1


def _sources(view: View, asked: Sequence[Ask], pool: Pool, label: str) -> list[_Source]:
    """A pool's further nodes spread over its zones; and, where it has several, all of them in each one."""
    nodes = view.nodes or ()
    zones = zones_of(pool, nodes)
    orders = [("", zones), *(((zone, (zone,)) for zone in zones) if len(zones) > 1 else ())]
    most = sum(ask.count for ask in asked)  # a node that takes none of the pods does not help
    if pool.most is not None:
        most = min(most, pool.most - len(members(pool, nodes)))
    found = []
    for zone, order in orders:
        made = [
            coming(pool, nodes, label, at, index)
            for index, at in zip(range(most), itertools.cycle(order), strict=False)
        ]
        found.append(_Source(pool, tuple(room for room in made if room is not None), zone))
    return found


def _fewest(view: View, asked: Sequence[Ask], source: _Source) -> int:
    """How many nodes of one source are enough where one fewer is not; 0 where all of them are not."""
    return _least(len(source.nodes), lambda number: _fits(grown(view, source.nodes[:number]), asked))


def _together(view: View, asked: Sequence[Ask], sources: Sequence[_Source]) -> tuple[Coming, ...]:
    """All that can come, less what is not needed of each source in turn."""
    numbers = [len(source.nodes) for source in sources]

    def enough(number: int, at: int) -> bool:
        tried = [*numbers[:at], number, *numbers[at + 1 :]]
        return _fits(grown(view, [n for s, k in zip(sources, tried, strict=True) for n in s.nodes[:k]]), asked)

    if not sources or not enough(numbers[0], 0):
        return ()
    for at, source in enumerate(sources):
        if not enough(0, at):
            numbers[at] = _least(len(source.nodes), partial(enough, at=at))
        else:
            numbers[at] = 0
    return tuple(_told(source, number) for source, number in zip(sources, numbers, strict=True) if number)


def _least(most: int, enough: Callable[[int], bool]) -> int:
    """The least number from 1 to `most` that is enough while one less is not; 0 where `most` is not enough."""
    if not most or not enough(most):
        return 0
    low, high = 0, most
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _told(source: _Source, number: int) -> Coming:
    return Coming(source.pool.name, number, source.pool.most is not None, source.zone)


def _fits(view: View, asked: Sequence[Ask]) -> bool:
    return all(each.verdict is Verdict.FITS for each in fit(view, asked))
