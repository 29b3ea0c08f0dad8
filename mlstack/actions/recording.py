"""A record for each run that is started: the next free number of its component, no lock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from mlstack.actions.listing import all_or_raise
from mlstack.actions.runrecords import CONFIG_MAP, close, list_records, read_record
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import AlreadyExistsError, ClusterError
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Inventory
from mlstack.plan.runrecords import KEPT_RUNS, next_numbers, of_run, record_name, to_config_map
from mlstack.plan.runs import Run

ATTEMPTS = 5


@dataclass
class _Unrecorded:
    """A run that has no record yet. `before`: the run before it of the same object; `params`: that one's."""

    object: str
    run: Run
    before: Run | None
    uid: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    number: int = 0


def recorded(session: Session, before: Inventory, found: Inventory, uids: Mapping[str, str]) -> Inventory:
    """The inventory with a record for each run in it that has none: those just started, and those that a former version
    kept in the inventory, which from now on has only each object's last run, in short.

    `uids`: of the objects that were started. Raises MlstackError where a record cannot be stored.
    """
    waiting = [one for name in sorted(found.runs) for one in _unrecorded(name, found, uids)]
    _close_replaced(session, before, found)
    if waiting and _is_former(before):
        _find_stored(session, waiting)
    missing = [one for one in waiting if not one.number]
    _add_params(session, missing)
    _create(session, missing, next_numbers(_all_runs(found)))
    _trim(session, missing)
    numbers = {id(one.run): one.number for one in waiting}
    runs = {name: _short(run, numbers.get(id(run), run.number)) for name, run in found.runs.items()}
    return replace(found, runs=runs, past={})


def _all_runs(inventory: Inventory) -> list[Run]:
    return [*inventory.runs.values(), *(run for runs in inventory.past.values() for run in runs)]


def _is_former(inventory: Inventory) -> bool:
    """Whether a former version wrote it, and runs are only there."""
    return not all(run.number for run in _all_runs(inventory))


def _unrecorded(name: str, inventory: Inventory, uids: Mapping[str, str]) -> list[_Unrecorded]:
    """The runs of an object without a record, the oldest first."""
    runs = [*reversed(inventory.past.get(name, ())), inventory.runs[name]]
    return [
        _Unrecorded(name, run, runs[at - 1] if at else None, uids.get(name, "") if run is runs[-1] else "")
        for at, run in enumerate(runs)
        if not run.number
    ]


def _short(run: Run, number: int) -> Run:
    return Run(run.hash, run.outcome, run.when, run.component, number=number)


def _close_replaced(session: Session, before: Inventory, found: Inventory) -> None:
    """Note in the records of runs that were replaced how they ended, where nobody has."""
    replaced = [run for runs in found.past.values() for run in runs if run.number]
    session.connection.client.map(partial(close, session), replaced)


def _find_stored(session: Session, waiting: Sequence[_Unrecorded]) -> None:
    """The numbers of those that have a record already, as a migration was killed, or both versions are in use."""
    there = {(one.object, one.started, one.hash): one.number for one in list_records(session)}
    for one in waiting:
        one.number = there.get((one.object, one.run.when, one.run.hash), 0)


def _add_params(session: Session, missing: Sequence[_Unrecorded]) -> None:
    """The parameters of the runs before, from their records where they have one."""

    def add(one: _Unrecorded) -> None:
        if one.before is not None and one.before.number:
            record = read_record(session, one.before.component, one.before.number)
            one.params = record.params if record else {}
        elif one.before is not None:
            one.params = one.before.params

    all_or_raise(session.connection.client.map(add, missing))


def _create(session: Session, missing: Sequence[_Unrecorded], numbers: dict[str, int]) -> None:
    """Create the records, each with the next free number of its component."""
    left = sorted(missing, key=lambda one: one.run.when)
    for _ in range(ATTEMPTS):
        for one in left:
            one.number = numbers.get(one.run.component, 1)
            numbers[one.run.component] = one.number + 1
        answers = session.connection.client.map(partial(_create_one, session), left)
        taken = [one for one, answer in zip(left, answers, strict=True) if isinstance(answer, AlreadyExistsError)]
        all_or_raise(answer for answer in answers if not isinstance(answer, AlreadyExistsError))
        if not taken:
            return
        left = _renumbered(session, taken, numbers)
    raise MlstackError(f"No free number was found for the record of a run of {left[0].run.component}.")


def _create_one(session: Session, one: _Unrecorded) -> None:
    record = of_run(one.object, one.run, one.number, one.params, one.uid)
    wanted = to_config_map(record, session.owner)
    objects.create(session.connection.client, CONFIG_MAP, wanted, manager=session.owner.manager)


def _renumbered(session: Session, taken: Sequence[_Unrecorded], numbers: dict[str, int]) -> list[_Unrecorded]:
    """Those whose number another run has. Where it is the same run, an apply was killed in between: it keeps it."""
    there = list_records(session)
    for record in there:
        numbers[record.component] = max(numbers.get(record.component, 1), record.number + 1)
    own = {(record.object, record.uid): record.number for record in there if record.uid}
    for one in taken:
        one.number = own.get((one.object, one.uid), 0)
    return [one for one in taken if not one.number]


def _trim(session: Session, created: Sequence[_Unrecorded]) -> None:
    """Remove the records beyond the number that is kept of each component."""
    client, namespace = session.connection.client, session.owner.namespace
    surplus = [(one.run.component, one.number - KEPT_RUNS) for one in created if one.number > KEPT_RUNS]
    names = [record_name(session.owner, component, number) for component, number in surplus]

    def remove(name: str) -> None:
        with suppress(ClusterError):
            objects.delete(client, CONFIG_MAP, namespace, name)

    client.map(remove, names)
