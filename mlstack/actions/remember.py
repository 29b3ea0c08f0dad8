"""What an apply remembers in the cluster: written before the first object, made exact after the last."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from mlstack.actions.clock import now
from mlstack.actions.planning import Planning
from mlstack.actions.reading import inventory_of, read_parent
from mlstack.actions.runrecords import record_waited
from mlstack.actions.sending import Sent
from mlstack.actions.session import Session
from mlstack.actions.waiting import Waited
from mlstack.cluster import store
from mlstack.cluster.failures import AlreadyExistsError, ConflictError
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.answered import answers
from mlstack.plan.inventory import GroupKind, Inventory, entry, short_uid, shrunk, to_stored
from mlstack.plan.model import SWITCHES, Action
from mlstack.plan.ownership import parse_entry
from mlstack.plan.receipts import KEPT_REVISIONS, given_params, told_value
from mlstack.plan.runs import Run, RunState, asks_suspended, ended, ended_at, run_name, state_of
from mlstack.plan.wanted import Wanted

PAST_RUNS = 10  # of each object; the last one apart, which is never forgotten


class InventoryMovedError(MlstackError):
    """Somebody else wrote the inventory after it was read. Nothing was written."""


def store_inventory(session: Session, parent: store.Parent, inventory: Inventory) -> store.Parent:
    """Stores the inventory over `parent` as it was read. Raises InventoryMovedError if it was written meanwhile."""
    stored = to_stored(inventory, session.owner)
    annotations = {**parent.annotations, **stored.annotations}
    wanted = replace(parent, labels=stored.labels, annotations=annotations, data=stored.data)
    try:
        return store.write(session.connection.client, wanted, manager=session.owner.manager)
    except (ConflictError, AlreadyExistsError) as error:
        name = session.scope.environment
        raise InventoryMovedError(
            f"Another apply of this app to {name} is under way: its inventory ({parent.name}) changed meanwhile.",
            f"Once that has ended: mlstack apply {name}",
        ) from error


def exact(planning: Planning, announced: Inventory, sent: Iterable[Sent], removed: Collection[Key]) -> Inventory:
    """Everything of ours that is there after an apply, and the runs that it started."""
    results = list(sent)
    failed = {one.change.key for one in results if one.error}
    written = {one.change.key for one in results if one.error is None and one.change.component}
    there = (set(planning.reading.snapshot.ours) | written) - set(removed)
    switched = {change.key for change in planning.plan.of(*SWITCHES)}
    started = _started(planning, (written | forgotten(planning)) - switched)
    runs = {**started, **_switched(planning, written & switched)}
    held = {change.key for change in planning.plan.of(Action.HELD)}
    unsent = {change.key for change in planning.plan.writes} - {one.change.key for one in results}
    digests = _digests(planning.wanted, announced, there, failed | unsent | held)
    found = shrunk(announced, _uids(planning, announced, there, results), digests, runs)
    found = replace(found, answered={**found.answered, **answers(planning.plan.changes)})
    found = still_unseen(found, announced, planning.reading.unseen)
    if not (failed | unsent) - set(removed):
        return found
    # What failed may be there all the same: go on looking everywhere.
    members = {name: uid for name, uid in announced.members.items() if name not in set(map(entry, removed))}
    found = replace(found, members={**members, **found.members})
    return replace(found, kinds=found.kinds | announced.kinds, namespaces=found.namespaces | announced.namespaces)


def _uses(planning: Planning, before: Inventory, partial: bool) -> frozenset[str]:
    """The shared objects of others; of components that were not planned, those of the last apply."""
    planned = {entry(one.key) for one in planning.wanted}
    now = {entry(change.key) for change in planning.plan.of(Action.SHARED)}
    return frozenset(now | (before.uses - planned if partial else set()))


def _uids(planning: Planning, announced: Inventory, there: Collection[Key], results: Iterable[Sent]) -> dict[Key, str]:
    """The short UID of each object, as the answer to its write or as the plan's LIST has it."""
    lives = {**planning.reading.snapshot.ours}
    lives |= {one.change.key: one.live for one in results if one.live is not None}
    return {key: short_uid(lives[key]) if key in lives else announced.members.get(entry(key), "") for key in there}


def forgotten(planning: Planning) -> set[Key]:
    """What is there as wanted and not remembered: an apply was killed after it had written all, at its very end.

    Without this, a run would start again once its TTL has removed it.
    """
    snapshot = planning.reading.snapshot
    settled = {change.key for change in planning.plan.changes if not change.writes and change.action != Action.HELD}
    settled &= snapshot.ours.keys()
    return {one.key for one in planning.wanted if one.key in settled and _is_lost(one, snapshot.inventory)}


def _is_lost(one: Wanted, inventory: Inventory) -> bool:
    run = inventory.runs.get(run_name(one.key))
    return entry(one.key) not in inventory.digests or (bool(one.run) and run is None)


def still_unseen(found: Inventory, before: Inventory, unseen: frozenset[GroupKind]) -> Inventory:
    """With the kinds whose API was down, and where to look for them when it is back."""
    if not unseen:
        return found
    kept = {name: uid for name, uid in before.members.items() if (key := parse_entry(name)) and _kind(key) in unseen}
    members = {**kept, **found.members}
    return replace(found, kinds=found.kinds | unseen, namespaces=found.namespaces | before.namespaces, members=members)


def _kind(key: Key) -> GroupKind:
    return key.group, key.kind


def _digests(
    wanted: Sequence[Wanted], announced: Inventory, there: Collection[Key], failed: Collection[Key]
) -> dict[Key, str]:
    """Of other components as they were, of this apply's objects as they are now."""
    known = {key: announced.digests[entry(key)] for key in there if entry(key) in announced.digests}
    return known | {one.key: one.digest for one in wanted if one.key in there and one.key not in failed}


def _started(planning: Planning, written: Collection[Key]) -> dict[str, Run]:
    return {
        run_name(one.key): Run(one.run, _first_state(one).value, now(), one.component)
        for one in planning.wanted
        if one.run and one.key in written
    }


def _first_state(one: Wanted) -> RunState:
    return RunState.SUSPENDED if asks_suspended(one.manifest) else RunState.RUNNING


def _switched(planning: Planning, keys: Collection[Key]) -> dict[str, Run]:
    """The runs that were suspended or released: the same run, in another state."""
    runs = planning.reading.snapshot.inventory.runs
    states = {one.key: _first_state(one).value for one in planning.wanted if one.key in keys}
    return {
        run_name(key): replace(runs[run_name(key)], outcome=state)
        for key, state in states.items()
        if run_name(key) in runs
    }


def remember_ends(session: Session, wanted: Iterable[Wanted], waited: Waited) -> None:
    """Stores the outcome of runs that were seen to their end."""
    seen = {run_name(one.key): waited.lives[one.key] for one in wanted if one.run and one.key in waited.lives}
    if not seen:
        return
    parent = read_parent(session)
    inventory = inventory_of(parent, session.owner)
    record_waited(session, inventory, waited)
    runs = {name: closed(run, seen[name]) for name, run in inventory.runs.items() if name in seen}
    if any(inventory.runs[name] != run for name, run in runs.items()):
        store_inventory(session, parent, replace(inventory, runs={**inventory.runs, **runs}))


def closed(run: Run, live: Manifest | None) -> Run:
    """The run with the outcome that its object tells; as it was while that goes on."""
    state = state_of(live, run)
    if state.value == run.outcome or not ended(state):
        return run
    return replace(run, outcome=state.value, ended=(ended_at(live) or now()) if live else "")


def with_history(session: Session, planning: Planning, found: Inventory, revision: int) -> Inventory:
    """The inventory with the revision's number, the parameters of the runs that were started, and those before."""
    before = planning.reading.snapshot.inventory
    lives = {run_name(change.key): change.live for change in planning.plan.changes}
    switched = {run_name(change.key) for change in planning.plan.of(*SWITCHES)}
    started = {name: run for name, run in found.runs.items() if before.runs.get(name) != run and name not in switched}
    command = "run" if session.again else "rollback" if session.former else "apply"
    runs = {name: replace(run, params=_given(session, run), by=command) for name, run in started.items()}
    replaced = {name: _replaced(closed(before.runs[name], lives.get(name))) for name in started if name in before.runs}
    past = {name: (run, *before.past.get(name, ()))[:PAST_RUNS] for name, run in replaced.items()}
    partial = bool(session.scope.components) or session.again
    former = session.former or (before.former if partial else 0)
    in_secrets = before.secret_receipts if revision - KEPT_REVISIONS < before.secret_receipts else 0
    return replace(
        found,
        runs={**found.runs, **runs},
        past={**found.past, **past},
        uses=_uses(planning, before, partial),
        revision=revision,
        former=former,
        secret_receipts=in_secrets,
    )


def _replaced(run: Run) -> Run:
    running = run.outcome in (RunState.RUNNING, RunState.SUSPENDED)
    return replace(run, outcome=RunState.STOPPED.value, ended=now()) if running else run


def _given(session: Session, run: Run) -> dict[str, Any]:
    """The values that somebody gave to a run's component."""
    if session.contents is not None:
        given = dict(session.contents.params.get(run.component, {}))
    else:
        given = given_params(session.settings(run.component))
    return {name: told_value(one) for name, one in given.items()}


def without_params(inventory: Inventory) -> Inventory:
    """The inventory to store where runs could not be recorded: their parameters may be too many for it."""
    runs = {name: replace(run, params={}) for name, run in inventory.runs.items()}
    past = {name: tuple(replace(run, params={}) for run in found) for name, found in inventory.past.items()}
    return replace(inventory, runs=runs, past=past)
