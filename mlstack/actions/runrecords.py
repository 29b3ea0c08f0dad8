"""Writing and reading the records of runs. What cannot be recorded never stops a command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

from mlstack.actions.clock import now
from mlstack.actions.listing import all_or_raise
from mlstack.actions.session import Session
from mlstack.actions.tails import KEPT_LINES
from mlstack.actions.waiting import Waited
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.logs import pod_logs
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Inventory
from mlstack.plan.runends import SeenEnd, bad_ends, told_ends
from mlstack.plan.runrecords import (
    COMPONENT,
    KEPT_CONTAINERS,
    RUNS,
    ContainerEnd,
    RunRecord,
    closed_record,
    read_whole,
    record_name,
    records,
    to_change,
)
from mlstack.plan.runs import Run, RunState, ended, ended_at, is_run, run_name, run_readiness, state_of

CONFIG_MAP, POD, EVENT = well_known("v1", "ConfigMap"), well_known("v1", "Pod"), well_known("v1", "Event")
LOG_BYTES = 1 << 16


def list_records(session: Session, component: str = "") -> list[RunRecord]:
    """The records of a component's runs, or of all, the newest first: one paged LIST of metadata."""
    labels = f"{RUNS}={session.owner.set_id}" + (f",{COMPONENT}={component}" if component else "")
    return records(_listed(session, labels))


def _listed(session: Session, labels: str) -> list[Manifest]:
    client, namespace = session.connection.client, session.owner.namespace
    return objects.list_objects(client, CONFIG_MAP, namespace, labels=labels, metadata_only=True).items


def read_record(session: Session, component: str, number: int) -> RunRecord | None:
    """A run's whole record, None if there is none."""
    found = find_record(session, component, number)
    return read_whole(found) if found else None


def find_record(session: Session, component: str, number: int) -> Manifest | None:
    """A record's object."""
    client, namespace = session.connection.client, session.owner.namespace
    return objects.find(client, CONFIG_MAP, namespace, record_name(session.owner, component, number))


def store_record(session: Session, record: RunRecord, version: str) -> None:
    """Store a record over the one that was read at `version`. Raises ConflictError if another command did so first."""
    client, namespace = session.connection.client, session.owner.namespace
    name = record_name(session.owner, record.component, record.number)
    change = to_change(record, version)
    objects.patch(client, CONFIG_MAP, namespace, name, change, manager=session.owner.manager)


def remove_records(session: Session, component: str = "") -> None:
    """Remove the records of a component's runs, or all."""
    labels = f"{RUNS}={session.owner.set_id}" + (f",{COMPONENT}={component}" if component else "")
    names = [item["metadata"]["name"] for item in _listed(session, labels)]
    client, namespace = session.connection.client, session.owner.namespace
    all_or_raise(client.map(partial(objects.delete, client, CONFIG_MAP, namespace), names))


def close(session: Session, run: Run) -> None:
    """Note in a run's record how it ended, where nobody has."""
    item = find_record(session, run.component, run.number)
    record = read_whole(item) if item else None
    if item and record and record.is_open:
        with suppress(ClusterError):  # another command was first
            store_record(session, replace(record, outcome=run.outcome, ended=run.ended), _version(item))


def uid_of(live: Manifest) -> str:
    """An object's UID, "" if it has none."""
    return str(live["metadata"].get("uid", ""))


def _version(item: Manifest) -> str:
    return str(item["metadata"]["resourceVersion"])


def record_ends(
    session: Session,
    inventory: Inventory,
    lives: Mapping[str, Manifest],
    seen: Mapping[str, Sequence[ContainerEnd]] | None = None,
) -> dict[str, RunRecord]:
    """Record how runs ended whose objects (`lives`, by their names in the inventory) show it, where nobody has.

    `seen`: how containers ended, as far as the caller watched; else their pods are asked now. The records of all runs
    that have ended are returned, by name; users who cannot write get them all the same.
    """
    names = [name for name, live in lives.items() if _is_unrecorded(inventory.runs.get(name), live)]

    def one(name: str) -> RunRecord | None:
        return _record_end(session, inventory.runs[name], lives[name], (seen or {}).get(name))

    answers = session.connection.client.map(one, names)
    found = zip(names, answers, strict=True)
    return {name: record for name, record in found if isinstance(record, RunRecord)}


def record_waited(session: Session, inventory: Inventory, waited: Waited) -> dict[str, RunRecord]:
    """Record how runs ended that were waited for."""
    lives = {run_name(key): live for key, live in waited.lives.items() if is_run(key)}
    return record_ends(session, inventory, lives, {run_name(key): ends for key, ends in waited.ends.items()})


def _is_unrecorded(run: Run | None, live: Manifest) -> bool:
    return run is not None and bool(run.number) and not ended(RunState(run.outcome)) and ended(state_of(live, run))


def _record_end(session: Session, run: Run, live: Manifest, seen: Sequence[ContainerEnd] | None) -> RunRecord | None:
    item = find_record(session, run.component, run.number)
    record = read_whole(item) if item else None
    if item is None or record is None or not record.is_open:
        return record
    state = state_of(live, run)
    ends: Sequence[ContainerEnd] = ()
    if state is RunState.FAILED:
        told = seen is not None and any(one.lines for one in seen)
        ends = seen if seen and told else ends_now(session, live) or seen or ()
    reason = run_readiness(live).reason if state is RunState.FAILED else ""
    record = closed_record(record, state.value, ended_at(live) or now(), reason, ends)
    with suppress(ClusterError):  # no permission, or another command was first
        store_record(session, record, _version(item))
    return record


def ends_now(session: Session, live: Manifest) -> list[ContainerEnd]:
    """How the containers of a run's pods ended, with the last lines of their logs, as far as its pods exist.

    Of pods that the training operator has deleted, its events say the exit codes.
    """
    client, metadata = session.connection.client, live["metadata"]
    labels = f"app.kubernetes.io/part-of={session.owner.app},app.kubernetes.io/managed-by=mlstack"
    try:
        pods = objects.list_objects(client, POD, metadata["namespace"], labels=labels).items
    except ClusterError:
        return []
    seen = bad_ends(live, pods)[:KEPT_CONTAINERS]
    return with_logs(client, seen) if seen else _told_by_events(session, live)


def _told_by_events(session: Session, live: Manifest) -> list[ContainerEnd]:
    metadata = live["metadata"]
    if not str(live.get("apiVersion")).startswith("kubeflow.org/"):
        return []
    fields = f"involvedObject.name={metadata['name']},involvedObject.uid={uid_of(live)},reason=ExitedWithCode"
    try:
        events = objects.list_objects(session.connection.client, EVENT, metadata["namespace"], fields=fields).items
    except ClusterError:
        return []
    return told_ends(live, events)[:KEPT_CONTAINERS]


def with_logs(client: Client, seen: Sequence[SeenEnd]) -> list[ContainerEnd]:
    """The ends with the last lines of the containers' logs; with the pod's word where there is no log any more."""
    return [
        one.end if isinstance(text, MlstackError) or not text.strip() else replace(one.end, lines=_lines(text))
        for one, text in zip(seen, client.map(partial(_log, client), seen), strict=True)
    ]


def _log(client: Client, seen: SeenEnd) -> str:
    log = seen.log
    place = log.namespace, log.pod, log.container
    return pod_logs(client, *place, tail=KEPT_LINES, previous=log.previous, limit_bytes=LOG_BYTES)


def _lines(text: str) -> tuple[str, ...]:
    return tuple(text.splitlines())
