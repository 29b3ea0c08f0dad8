"""Whether asks fit now, must wait, can never fit, or cannot be told, with the reasons.

"Never" needs certainty: not even with all pods gone, and no node can come.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Fit, Verdict, fit
from mlstack.plan.fit.view import View
from mlstack.plan.fit.words import Types, reasons


class Prospect(enum.Enum):
    """What becomes of an ask."""

    FITS = "fits"
    WAITS = "waits"
    NEVER = "never fits"
    UNKNOWN = "cannot tell"


@dataclass(frozen=True)
class Outlook:
    """What becomes of an ask, and why; `fit` is how it fares now."""

    fit: Fit
    prospect: Prospect
    reasons: tuple[str, ...]

    @property
    def ask(self) -> Ask:
        """What was asked."""
        return self.fit.ask


def outlooks(view: View, asked: Sequence[Ask], *, grows: bool, types: Types) -> list[Outlook]:
    """The outlook of each ask. `grows`: nodes may still come; `types`: the platform's names of accelerators."""
    now = fit(view, asked)
    ever = fit(view.emptied(), asked) if any(each.verdict is Verdict.NOT for each in now) else now
    return [_outlook(view, each, later, grows, types) for each, later in zip(now, ever, strict=True)]


def _outlook(view: View, now: Fit, ever: Fit, grows: bool, types: Types) -> Outlook:
    prospect = _prospect(now, ever, grows)
    if prospect is Prospect.FITS:
        return Outlook(now, prospect, ())
    why = reasons(now, view.nodes or (), types)
    if prospect is Prospect.UNKNOWN and not why:
        why = [_unsure(view, now)]
    if now.verdict is Verdict.NOT and ever.verdict is Verdict.NOT and grows:
        why.append("nodes may still come (autoscaling)")
    return Outlook(now, prospect, tuple(why))


def _prospect(now: Fit, ever: Fit, grows: bool) -> Prospect:
    if now.verdict is Verdict.FITS:
        return Prospect.FITS
    if now.verdict is Verdict.UNKNOWN:
        return Prospect.UNKNOWN
    if ever.verdict is not Verdict.NOT or ever.claim:
        return Prospect.WAITS
    return Prospect.UNKNOWN if grows else Prospect.NEVER


def _unsure(view: View, now: Fit) -> str:
    if view.partly:
        return "pods of other namespaces may not be listed, so that free amounts are an upper bound"
    if now.worst < now.ask.count <= now.room.low:
        return "it depends on where the other pods of the app go first"
    return "it depends on which nodes the first pods get"
