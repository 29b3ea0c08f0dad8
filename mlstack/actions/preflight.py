"""Before anything is sent: can what is about to start ever run here, and if not now, why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlstack.actions.capacity import model_names, own_pods, see
from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.session import Session
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import Ask, asks
from mlstack.plan.fit.outlook import Outlook, Prospect, outlooks
from mlstack.plan.fit.words import beyond_all, device_of
from mlstack.plan.hints import CANDIDATES
from mlstack.plan.hints import told as setting_told
from mlstack.plan.model import Action, Plan

STARTING = (Action.CREATE, Action.NEW_RUN, Action.RECREATE, Action.CHANGE, Action.ADOPT)


def preflight(session: Session, plan: Plan, on_event: OnEvent) -> None:
    """Tells what must wait for accelerators. Raises MlstackError for what can never fit.

    Reads nodes and pods only where pods that are about to start ask for accelerators; what cannot be told is no reason
    to stop. Pods that a change replaces make room for themselves.
    """
    asked = starting(session, plan)
    if not any(map(device_of, asked)):
        return
    names = {ask.component for ask in asked}
    namespace = session.connection.namespace
    view = see(session.connection.client, namespace, own_pods(session.owner.app, names), coming_claims(plan))
    platform = session.target.platform
    grows = session.connection.environment.grows(platform)
    found = [one for one in outlooks(view, asked, grows=grows, types=model_names(platform)) if device_of(one.ask)]
    for outlook in found:
        if outlook.prospect is Prospect.NEVER:
            raise never(session, outlook)
        if outlook.prospect is not Prospect.FITS:
            on_event(Notice(waiting(outlook)))


def starting(session: Session, plan: Plan) -> list[Ask]:
    """The pods of what the plan creates or replaces."""
    manifests: dict[str, list[Manifest]] = {}
    for change in plan.of(*STARTING):
        if change.manifest is not None:
            manifests.setdefault(change.component, []).append(change.manifest)
    namespace = session.connection.namespace
    return [ask for component, found in manifests.items() for ask in asks(component, found, namespace)]


def coming_claims(plan: Plan) -> frozenset[str]:
    """Names of volume claims that the plan makes."""
    keys = (change.key for change in plan.of(Action.CREATE))
    return frozenset(key.name for key in keys if key.kind == "PersistentVolumeClaim")


def never(session: Session, outlook: Outlook) -> MlstackError:
    """The error for what no node can take."""
    ask, environment = outlook.ask, session.scope.environment
    why = "; ".join(outlook.reasons)
    problem = f"{ask.component} can never fit in {environment}: {why}, and {environment} says autoscaling: none."
    resource = beyond_all(ask, [one.room for one in outlook.fit.found]) or device_of(ask)
    setting = _setting(session.settings(ask.component), resource)
    return MlstackError(
        problem, f"{setting}What fits: mlstack tune {environment} {ask.component}. To insist: --no-preflight"
    )


def waiting(outlook: Outlook) -> str:
    """One line about what starts later, or may."""
    ask = outlook.ask
    what = f"{ask.component}: {ask.count} {ask.role or 'pod'}{'' if ask.count == 1 else 's'}"
    verb = "must wait" if outlook.prospect is Prospect.WAITS else "may have to wait"
    return f"{what} {verb}: {'; '.join(outlook.reasons)}."


def _setting(settings: Mapping[str, Setting], resource: str) -> str:
    """The parameter that asks for so much of a resource, with its place."""
    names: Sequence[str] = CANDIDATES.get("gpu" if "/" in resource else resource, ())
    found = next((settings[name] for name in names if name in settings), None)
    return f"{setting_told(found)}. " if found else ""
