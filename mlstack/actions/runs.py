"""Start a component's run again on purpose, show what it says, and tell how it ended."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, replace

from mlstack.actions.apply import ApplyOptions, Confirm, apply_session, open_to_apply
from mlstack.actions.events import OnEvent, Ready, ignore
from mlstack.actions.following import following, one_at_a_time
from mlstack.actions.lock import locked
from mlstack.actions.reading import Place
from mlstack.actions.remember import remember_ends
from mlstack.actions.session import Scope, Session
from mlstack.actions.wait import applied_targets, check_outcome, patience_of, wait_in_session
from mlstack.actions.watches import Target
from mlstack.compose.manifests import Key, key_of
from mlstack.errors import MlstackError
from mlstack.plan.runs import asks_suspended, is_run
from mlstack.plan.wanted import wanted_objects


@dataclass(frozen=True)
class RunOutcome:
    """What was started, and how long it took until it ran (or with `finished` until it had ended well)."""

    runs: tuple[Key, ...]
    finished: bool
    seconds: float


RUN = ApplyOptions(wait="ready")


def run(
    scope: Scope,
    component: str,
    *,
    follow: bool = False,
    options: ApplyOptions = RUN,
    on_event: OnEvent = ignore,
    confirm: Confirm = lambda plan: None,
) -> RunOutcome:
    """Starts the runs of a component anew, whatever became of the last; what else it consists of is applied too.

    A run that has not ended needs `options.allow.disruption`. `scope.sets` (COMPONENT.PARAM=VALUE or PARAM=VALUE) hold
    for this run alone: the next apply starts nothing because of them. With `follow`, the logs are told as LogLines
    and the run's end is waited for. Raises WorkloadFailedError for a run that failed, NotReadyError, and as `apply`.
    """
    began = time.monotonic()
    chosen = replace(scope, components=(component,), sets=tuple(qualified(text, component) for text in scope.sets))
    session = replace(open_to_apply(chosen, options), again=True)
    check_runs(session, component)
    apply_session(session, replace(options, wait="none"), on_event, confirm)
    tell = one_at_a_time(on_event)
    with following(session, component, tell) if follow else nullcontext():
        _wait(session, began, options, tell, "finished" if follow else options.wait)
    keys = tuple(key_of(m) for m in session.rendered[0].manifests if is_run(key_of(m)))
    return RunOutcome(keys, follow or options.wait == "finished", time.monotonic() - began)


def qualified(text: str, component: str) -> str:
    """`PARAM=VALUE` as COMPONENT.PARAM=VALUE; what names the component already stays."""
    name, equals, value = text.partition("=")
    if not equals:
        raise MlstackError(f"--set {text}: this is not PARAM=VALUE.")
    return text if name.startswith(f"{component}.") else f"{component}.{name}={value}"


def check_runs(session: Session, component: str) -> None:
    """Raises MlstackError unless what the session renders holds a job."""
    if not any(is_run(key_of(manifest)) for one in session.rendered for manifest in one.manifests):
        name = session.scope.environment
        raise MlstackError(
            f"{component} is no run: it renders no job, and `mlstack apply {name}` keeps it in its state.",
            f"To restart its pods: kubectl rollout restart. How it stands: mlstack status {name} -c {component}",
        )


def _wait(session: Session, began: float, options: ApplyOptions, on_event: OnEvent, what: str) -> None:
    """Waits for the runs alone, and remembers their end where it was seen."""
    if what == "none":
        return
    targets, versions = _run_targets(session)
    patience = patience_of(session, what, began + options.timeout_s, options.fail_fast)
    waited = wait_in_session(session, targets, patience, on_event, versions)
    with locked(session, options.lock_s, on_event):
        remember_ends(session, wanted_objects(session.manifests, session.owner), waited)
    check_outcome(session, waited, what)
    on_event(Ready(waited.ready, len(waited.states), time.monotonic() - began, what))


def _run_targets(session: Session) -> tuple[list[Target], Mapping[Place, str]]:
    targets, versions = applied_targets(session)
    manifests = (manifest for one in session.rendered for manifest in one.manifests)
    held = {key_of(manifest) for manifest in manifests if asks_suspended(manifest)}  # nothing of it comes
    return [target for target in targets if is_run(target.key) and target.key not in held], versions
