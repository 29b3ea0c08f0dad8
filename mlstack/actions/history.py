"""What was applied to an environment: its revisions, and the runs of a component."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.actions.reading import first_parent, inventory_of, read_parent
from mlstack.actions.receipts import list_receipts, no_revision, read_receipt
from mlstack.actions.remember import closed
from mlstack.actions.runrecords import list_records, read_record, record_ends
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.cluster import objects
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Inventory
from mlstack.plan.receipts import Contents, Receipt
from mlstack.plan.runrecords import RunRecord, differing
from mlstack.plan.runs import RunState, state_of


@dataclass(frozen=True)
class History:
    """An environment's revisions, the newest first. `former`: the one that the cluster was rolled back to, else 0.

    `notices`: what could not be read.
    """

    environment: str
    revisions: tuple[Receipt, ...]
    former: int = 0
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class ComponentRun:
    """A run of one of a component's objects ("TFJob/cnn"). `ended` is "" where nobody saw it.

    `params`: the values that differ from the run before: {name: [before, after]}, None for a default. `number`: of its
    record, 0 where a former version of mlstack kept it. `reason`: why it failed;
    `more`: so many values differ that only the whole record has.
    """

    object: str
    started: str
    ended: str
    outcome: str
    by: str
    params: Mapping[str, Any] = field(hash=False)
    number: int = 0
    reason: str = ""
    more: int = 0


def history(scope: Scope) -> History:
    """The revisions that receipts list. Two requests, however many they are; nothing is written."""
    session = connect_only(scope)
    inventory = inventory_of(read_parent(session), session.owner)
    notices: list[str] = []
    found = list_receipts(session, inventory.secret_receipts, notices.append)
    return History(scope.environment, tuple(found), inventory.former, tuple(notices))


def revision_contents(scope: Scope, revision: int) -> Contents:
    """A revision's contents: manifests, parameters with their places, digests.

    Raises MlstackError for a revision that does not exist or whose receipt was removed.
    """
    session = connect_only(scope)
    inventory = inventory_of(read_parent(session), session.owner)
    receipt, contents = read_receipt(session, revision, inventory.secret_receipts)
    if receipt is None:
        raise no_revision(scope.environment, revision, list_receipts(session, inventory.secret_receipts))
    return contents


def run_history(scope: Scope, component: str) -> list[ComponentRun]:
    """A component's runs, the newest first, those that their TTL removed included.

    Raises MlstackError for a component that never ran.
    """
    session = connect_only(scope)
    inventory = inventory_of(first_parent(session), session.owner)
    names = sorted(name for name, run in inventory.runs.items() if run.component == component)
    stored = list_records(session, component)
    if not names and not stored:
        raise never_ran(scope, component)
    lives = {name: live for name in names if (live := _live(session, name)) is not None}
    closed_now = record_ends(session, inventory, lives)
    newest = {(one.object, one.number): one for one in closed_now.values()}
    found = [_of_record(newest.get((one.object, one.number), one), inventory, lives) for one in stored]
    found += [run for name in names for run in _unrecorded(inventory, name, lives.get(name))]
    return sorted(found, key=lambda run: (run.started, run.number), reverse=True)


def run_record(scope: Scope, component: str, number: int) -> RunRecord:
    """The record of a run: its parameters, how its containers ended, the last lines of their logs.

    Raises MlstackError for a run that has no record.
    """
    session = connect_only(scope)
    found = read_record(session, component, number)
    if found is None:
        there = sorted(one.number for one in list_records(session, component))
        if not there:
            raise never_ran(scope, component)
        name = scope.environment
        raise MlstackError(
            f"{component} has no run {number} in {name}; there are {there[0]} to {there[-1]}.",
            f"See: mlstack history {name} {component}",
        )
    return _as_it_stands(session, found) if found.is_open else found


def _as_it_stands(session: Session, record: RunRecord) -> RunRecord:
    """A record without an end, as its object tells it now; an end that nobody has seen before is recorded."""
    inventory = inventory_of(first_parent(session), session.owner)
    live = _live(session, record.object)
    there = {} if live is None else {record.object: live}
    closed_now = record_ends(session, inventory, there).get(record.object)
    if closed_now is not None and closed_now.number == record.number:
        return closed_now
    return replace(record, outcome=_of_record(record, inventory, there).outcome)


def never_ran(scope: Scope, component: str) -> MlstackError:
    """The error for a component without runs. Raises another one where the app has no such component either."""
    if component not in scope.project.component_names:
        scope.project.component(component)
    name = scope.environment
    return MlstackError(f"{component} never ran in {name}.", f"Start it: mlstack run {name} {component}")


def _of_record(record: RunRecord, inventory: Inventory, lives: Mapping[str, Manifest]) -> ComponentRun:
    """The run that a record describes. Nobody saw the end of one that goes on by its record, and is not there."""
    last, live = inventory.runs.get(record.object), lives.get(record.object)
    outcome = record.outcome
    if record.is_open:
        there = last is not None and last.number == record.number and live is not None
        outcome = state_of(live, last).value if there else RunState.REMOVED.value
    return ComponentRun(
        _title(record.object),
        record.started,
        record.ended,
        outcome,
        record.by,
        record.differs,
        record.number,
        record.reason,
        record.more,
    )


def _title(name: str) -> str:
    kind, _, rest = name.partition(".")
    return f"{kind}/{rest.rpartition('/')[2]}"


def _unrecorded(inventory: Inventory, name: str, live: Manifest | None) -> Iterator[ComponentRun]:
    """The runs of one object that a former version kept in the inventory."""
    every = [closed(inventory.runs[name], live), *inventory.past.get(name, ())]
    for at, run in enumerate(every):
        before = every[at + 1].params if at + 1 < len(every) else {}
        if not run.number:
            outcome = state_of(live, run).value if at == 0 else run.outcome
            yield ComponentRun(_title(name), run.when, run.ended, outcome, run.by, differing(before, run.params))


def _live(session: Session, name: str) -> Manifest | None:
    kind_group, namespace, own = name.split("/")
    kind, _, group = kind_group.partition(".")
    resource = session.resource_of(group, kind)
    return objects.find(session.connection.client, resource, namespace, own) if resource else None
