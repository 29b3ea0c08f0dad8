"""Whether asks fit now, must wait, can never fit, or cannot be told, with the reasons.

"Never" needs certainty: not even with all pods gone, and no node can come.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.binding import without_static
from mlstack.plan.fit.fit import Fit, Verdict, fit
from mlstack.plan.fit.growing import Coming, after, fully, needed, vague
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.phrases import rule_between
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.preempting import told, victims
from mlstack.plan.fit.terms import without_company
from mlstack.plan.fit.view import View
from mlstack.plan.fit.words import Types, of_nodes, reasons

NO_NODES, POOLS = "autoscaling: none", "which pools may grow, and how far"  # what an environment says


class Prospect(enum.Enum):
    """What becomes of an ask."""

    FITS = "fits"
    WAITS = "waits"
    NEVER = "never fits"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Outlook:
    """What becomes of an ask, and why; `fit` is how it fares now.

    `coming`: the nodes after which it fits, where pools may grow. `final`: what the environment says
    that makes sure that it never does; "" where it does not depend on nodes.
    `victims`: pods of lower priority that the scheduler could push out for it.
    """

    fit: Fit
    prospect: Prospect
    reasons: tuple[str, ...]
    coming: tuple[Coming, ...] = ()
    final: str = ""
    victims: tuple[Pod, ...] = ()

    @property
    def ask(self) -> Ask:
        """What was asked."""
        return self.fit.ask


def outlooks(view: View, asked: Sequence[Ask], *, grows: Growth, types: Types) -> list[Outlook]:
    """The outlook of each ask. `grows`: which nodes may still come; `types`: the platform's names of accelerators."""
    now = fit(view, asked)
    future = _Future(view, asked, grows, now)
    return [_outlook(future, each, at, types) for at, each in enumerate(now)]


class _Future:
    """What the cluster may come to, worked out where it is asked for."""

    def __init__(self, view: View, asked: Sequence[Ask], grows: Growth, now: Sequence[Fit]) -> None:
        self.view, self.asked, self.grows, self.now = view, asked, grows, now

    @cached_property
    def emptied(self) -> View:
        """The cluster with all pods gone."""
        return self.view.emptied({name for ask in self.asked for name in ask.needs})

    @cached_property
    def ever(self) -> list[Fit]:
        """With all pods gone."""
        return fit(self.emptied, self.later)

    @cached_property
    def later(self) -> list[Ask]:
        """What is asked, less what may still come: pods that it wants to be beside, and volumes to be bound."""
        storage = self.view.storage
        return [replace(ask, pod=without_static(without_company(ask.pod), storage)) for ask in self.asked]

    @cached_property
    def coming(self) -> tuple[Coming, ...]:
        """The nodes after which all fits beside the pods that are there."""
        return needed(self.view, self.asked, self.grows) if self.grows.pools else ()

    @cached_property
    def largest(self) -> list[Fit]:
        """With all pods gone, and all nodes there that may come."""
        return fit(fully(self.emptied, self.later, self.grows), self.later)

    @cached_property
    def bound(self) -> list[Fit]:
        """As `largest`, with so many nodes in each zone: more than there can be."""
        return fit(fully(self.emptied, self.later, self.grows, everywhere=True), self.later)

    @cached_property
    def vague(self) -> str:
        """Why it is not known which nodes may come."""
        return vague(self.view, self.asked, self.grows)


def _outlook(future: _Future, now: Fit, at: int, types: Types) -> Outlook:
    view = future.view
    if now.verdict is Verdict.FITS:
        return Outlook(now, Prospect.FITS, ())
    why = reasons(now, view.nodes or (), types)
    if now.verdict is Verdict.UNKNOWN:
        return Outlook(now, Prospect.UNKNOWN, tuple(why if now.told else [_unsure(view, now)]))
    if now.told:  # the namespace's rules, or a claim: nodes do not matter
        ever = future.ever[at]
        if now.missing and not future.grows:
            why += of_nodes(now, view.nodes or (), types)
        never = ever.verdict is Verdict.NOT and not ever.claim and (ever.final or not now.ask.queue)
        return Outlook(now, Prospect.NEVER if never else Prospect.WAITS, tuple(why))
    prospect, more = _prospect(future, at)
    if prospect is Prospect.NEVER:  # what is in the way when all pods are gone
        why = reasons(future.ever[at], future.emptied.nodes or (), types) or why
    pushed = victims(view, now) if prospect is not Prospect.NEVER else []
    more += [told(pushed)] if pushed else []
    final = (POOLS if future.grows else NO_NODES) if prospect is Prospect.NEVER else ""
    return Outlook(now, prospect, (*why, *more), future.coming, final, tuple(pushed))


def _prospect(future: _Future, at: int) -> tuple[Prospect, list[str]]:
    """What becomes of what too few nodes have room for now, and what is to be said of nodes that may come."""
    waits = future.ever[at].verdict is not Verdict.NOT
    if not future.grows.pools:
        if waits or not future.grows:
            return (Prospect.WAITS if waits else Prospect.NEVER), []
        return Prospect.UNKNOWN, ["nodes may still come (autoscaling)"]
    if future.coming:
        sure = all(one.bounded for one in future.coming)
        more = [f"it fits {after(future.coming)}"]
        more += [] if sure else [f"how far {_pools(future.coming)} may grow is not said"]
        return (Prospect.WAITS if waits or sure else Prospect.UNKNOWN), more
    if waits or future.largest[at].verdict is Verdict.FITS:
        return Prospect.WAITS, ["no pool may grow so far that all of it fits beside the pods that are there"]
    if future.vague:
        return Prospect.UNKNOWN, [future.vague]
    bound = future.bound[at]
    if not _surely_not(bound):
        return Prospect.UNKNOWN, ["more nodes may come"]
    most = future.largest[at].room.high
    return Prospect.NEVER, [f"with all nodes that may come, {most} of {bound.ask.count} find a place"]


def _surely_not(bound: Fit) -> bool:
    """Whether even fewer nodes are too few: rules across nodes may allow more where there are fewer."""
    if bound.room.why:
        return sum(one.count for one in bound.found) < bound.ask.count
    return bound.verdict is Verdict.NOT


def _pools(coming: Sequence[Coming]) -> str:
    names = [one.pool for one in coming if not one.bounded]
    return f"pool{'' if len(names) == 1 else 's'} {', '.join(names)}"


def _unsure(view: View, now: Fit) -> str:
    if view.partly:
        return "pods of other namespaces may not be listed, so that free amounts are an upper bound"
    if now.room.why and now.room.low < now.ask.count:
        return rule_between(now.room.why, now.room.low, now.room.high, now.ask.count)
    if now.worst < now.ask.count <= now.room.low:
        return "it depends on where the other pods of the app go first"
    return "it depends on which nodes the first pods get"
