"""A plan made before the lease was held, checked again under it (decisions.md, 14 and 16)."""

from __future__ import annotations

from mlstack.actions.events import Notice, OnEvent, Planned
from mlstack.actions.planning import Planning, plan_session
from mlstack.actions.reading import read_parent
from mlstack.actions.session import Session
from mlstack.errors import MlstackError
from mlstack.plan.model import Allow
from mlstack.plan.moved import moves


class MovedError(MlstackError):
    """The cluster changed after somebody had agreed to a plan, and the plan with it. No object was written."""


def planned_again(
    session: Session, planning: Planning, allow: Allow, on_event: OnEvent, *, confirmed: bool, accept: bool
) -> Planning:
    """The planning to carry out: the given one, or a new one if the cluster moved.

    `confirmed`: a person agreed to the plan, so that the cluster is read again; else another apply's traces in the
    inventory decide. Raises MovedError where a confirmed plan changed, unless `accept`.
    """
    if not confirmed and read_parent(session).version == planning.reading.parent.version:
        return planning
    session.connection.discovery.refresh()
    anew = plan_session(session, allow)
    told = moves(planning.plan, anew.plan)
    if told and confirmed and not accept:
        raise MovedError(
            "The cluster changed after you had agreed, so nothing was written.\n  " + "\n  ".join(told),
            f"Look again: mlstack diff {session.scope.environment} (--replan applies the plan as it is by then).",
        )
    if told:
        on_event(Notice("The cluster changed after the plan was made; it is planned again."))
        on_event(Planned(anew.plan))
    return anew
