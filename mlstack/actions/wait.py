"""Wait until an environment's components are ready, or their runs have ended."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlstack.actions.events import OnEvent, Ready, ignore
from mlstack.actions.reading import Place, all_or_raise, first_parent, inventory_of, resource_for
from mlstack.actions.runrecords import record_waited
from mlstack.actions.session import Scope, Session, open_session
from mlstack.actions.waiting import Patience, Waited, wait_for_targets
from mlstack.actions.watches import Around, Target
from mlstack.cluster import objects
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError, NotReadyError, WorkloadFailedError
from mlstack.plan.inventory import PART_OF, Inventory
from mlstack.plan.model import Action, Plan
from mlstack.plan.ownership import is_managed_as_rendered
from mlstack.plan.readiness import State, readiness, waits
from mlstack.plan.runs import RunState, is_run, run_name, state_of


@dataclass(frozen=True)
class WaitResult:
    """How many of the waited-for objects are ready (or finished), and how long it took."""

    ready: int
    total: int
    seconds: float


def wait_for(
    scope: Scope,
    *,
    what: str = "ready",
    timeout_s: float = 600.0,
    fail_fast: bool = False,
    on_event: OnEvent = ignore,
) -> WaitResult:
    """Waits for what is there already. `what`: "ready", or "finished" for the end of runs.

    Raises NotReadyError, WorkloadFailedError, and MlstackError if nothing of the scope was applied.
    """
    began = time.monotonic()
    session = open_session(scope)
    on_event(session.connected())
    targets, versions = applied_targets(session)
    if not targets and any(waits(manifest) for one in session.rendered for manifest in one.manifests):
        name = scope.environment
        raise MlstackError(
            f"Nothing of this app that could be waited for is in {name}.", f"First: mlstack apply {name}"
        )
    patience = patience_of(session, what, began + timeout_s, fail_fast)
    waited = wait_in_session(session, targets, patience, on_event, versions)
    record_waited(session, inventory_of(first_parent(session), session.owner), waited)
    check_outcome(session, waited, what)
    result = WaitResult(waited.ready, len(waited.states), time.monotonic() - began)
    on_event(Ready(result.ready, result.total, result.seconds, what))
    return result


def applied_targets(session: Session) -> tuple[list[Target], dict[Place, str]]:
    """What is rendered, can be waited for, and exists as ours; and from which versions to watch."""
    wanted = {key_of(m): (one.component, m) for one in session.rendered for m in one.manifests if waits(m)}
    places = sorted({(resource_for(session, m), key.namespace) for key, (_, m) in wanted.items()}, key=str)
    known = [(resource, namespace) for resource, namespace in places if resource is not None]
    labels = f"{PART_OF}={session.owner.set_id}"
    client, inventory = session.connection.client, inventory_of(first_parent(session), session.owner)
    listings = all_or_raise(
        client.map(lambda place: objects.list_objects(client, place[0], place[1] or None, labels=labels), known)
    )
    targets = [
        Target(key_of(item), wanted[key_of(item)][0], place[0], item)
        for place, listing in zip(known, listings, strict=True)
        for item in listing.items
        if key_of(item) in wanted and is_managed_as_rendered(item, session.owner, inventory)
    ]
    return targets, {place: found.resource_version for place, found in zip(known, listings, strict=True)}


def patience_of(session: Session, what: str, deadline: float, fail_fast: bool) -> Patience:
    """How to wait in this environment: where its nodes cannot grow, unschedulable is hopeless."""
    grows = bool(session.connection.environment.grows(session.target.platform))
    return Patience(what, deadline, fail_fast, grows=grows)


def wait_in_session(
    session: Session,
    targets: Sequence[Target],
    patience: Patience,
    on_event: OnEvent,
    versions: Mapping[Place, str],
) -> Waited:
    """Waits for targets of an open session; does not judge how it ended."""
    around = Around(
        pod_labels=session.pod_labels,
        settings=session.settings,
        versions=versions,
        labels=f"{PART_OF}={session.owner.set_id}",
    )
    return wait_for_targets(session.connection.client, targets, patience, around, on_event)


def check_past(session: Session, plan: Plan, inventory: Inventory) -> None:
    """Raises WorkloadFailedError if a run that ended before this apply, and is not started again, failed."""
    failed = {
        change.key: own_words(change.live)
        for change in plan.of(Action.DONE)
        if state_of(change.live, inventory.runs.get(run_name(change.key))) is RunState.FAILED
    }
    if failed:
        told = [f"{key} failed{f': {words}' if words else ''}" for key, words in failed.items()]
        name, components = session.scope.environment, sorted({c.component for c in plan.changes if c.key in failed})
        raise WorkloadFailedError(
            f"{'; '.join(told)}. It ran before, and is not started again by itself.",
            f"Once it is fixed: mlstack run {name} {components[0]}",
        )


def own_words(live: Manifest | None) -> str:
    """Why an object is not as it should be, as far as it tells itself."""
    return readiness(live).reason.rstrip(".") if live else ""


def check_outcome(session: Session, waited: Waited, what: str, spent: str = "") -> None:
    """Raises WorkloadFailedError for a failed run, NotReadyError for what is not ready (or finished).

    `spent` says where the time went before this wait began, for the case that it was too short.
    """
    name = session.scope.environment
    failed = [key for key, state in waited.states.items() if is_run(key) and state.state is State.FAILED]
    if failed:
        told = [f"{key} failed: {waited.reasons[key] or waited.states[key].reason}" for key in failed]
        raise WorkloadFailedError("; ".join(told), _hint_of_failed(session, failed))
    lacking = [key for key, state in waited.states.items() if not _enough(is_run(key), state.state, what)]
    if lacking:
        told = [" ".join(filter(None, (str(k), waited.states[k].progress, waited.reasons[k]))) for k in lacking]
        end = "finish" if what == "finished" else "become ready"
        problem = f"not {what} in time" if waited.timed_out else f"cannot {end} as things stand"
        lacks = "; ".join(told).rstrip(".")  # a log's last line may end with one
        before = f" {spent}" if waited.timed_out and spent else ""
        again = f"mlstack wait {name}" + (" --for finished" if what == "finished" else "")
        hint = f"Release it, then: {again}" if waited.suspended.issuperset(lacking) else ""
        raise NotReadyError(f"{problem.capitalize()}: {lacks}.{before}", hint or f"Look again: mlstack status {name}")


def _hint_of_failed(session: Session, failed: Sequence[Key]) -> str:
    name, components = session.scope.environment, {key_of(m): c for c, ms in session.manifests.items() for m in ms}
    found = sorted({components[key] for key in failed if key in components})
    return f"Its last lines: mlstack logs {name} {found[0]}" if found else f"See its pods: mlstack status {name}"


def _enough(run: bool, state: State, what: str) -> bool:
    if run and what == "finished":
        return state is State.FINISHED
    return state in (State.READY, State.FINISHED)


def is_enough(live: Manifest, what: str) -> bool:
    """Whether nobody needs to wait for this object; a failed run included, which never becomes anything else."""
    run, state = is_run(key_of(live)), readiness(live).state
    return _enough(run, state, what) or (run and state is State.FAILED)
