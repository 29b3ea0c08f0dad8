from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import cast

import pytest

from mlstack.actions.planning import Planning
from mlstack.actions.reading import Reading
from mlstack.actions.remember import closed, exact, still_unseen, with_history
from mlstack.actions.sending import Sent
from mlstack.actions.session import Session
from mlstack.cluster.store import Parent
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.decide import Snapshot
from mlstack.plan.inventory import Inventory, entry, superset
from mlstack.plan.model import Action, Change, Plan
from mlstack.plan.runs import Run, run_name
from mlstack.plan.wanted import Wanted

A, B, OLD, OTHER = (Key("", "ConfigMap", "n", name) for name in ("a", "b", "old", "other"))
JOB = Key("batch", "Job", "n", "train")
LIVE: Manifest = {"metadata": {"uid": "0123-4567-89ab-cdef"}}


def _manifest(key: Key) -> Manifest:
    return {"apiVersion": f"{key.group}/v1".lstrip("/"), "kind": key.kind, "metadata": {"name": key.name}}


def planning(*keys: Key, ours: tuple[Key, ...] = ()) -> Planning:
    wanted = tuple(Wanted(key, "c", _manifest(key), 2, "h" if key == JOB else "", f"d-{key.name}") for key in keys)
    reading = Reading(Snapshot(dict.fromkeys(ours, LIVE)), Parent("ConfigMap", "n", "x"))
    return Planning(Plan("gke", "n"), wanted, reading)


def sent(key: Key, error: str = "") -> Sent:
    change = Change(key, Action.CREATE, "c")
    return Sent(change, error=MlstackError(error)) if error else Sent(change, LIVE)


ANNOUNCED = Inventory(
    frozenset({("", "ConfigMap"), ("apps", "Deployment")}), frozenset({"n", "m"}), {entry(OTHER): "kept"}
)


def test_what_is_there_is_remembered() -> None:
    found = exact(planning(A, B, JOB, ours=(A, OLD, OTHER)), ANNOUNCED, [sent(B), sent(JOB)], [OLD])
    assert found.kinds == {("", "ConfigMap"), ("batch", "Job")}
    assert found.namespaces == {"n"}
    assert found.digests == {entry(A): "d-a", entry(B): "d-b", entry(JOB): "d-train", entry(OTHER): "kept"}
    run = found.runs[run_name(JOB)]
    assert (run.hash, run.outcome, run.component) == ("h", "running", "c")


def test_after_a_failure_everywhere_is_looked_again() -> None:
    found = exact(planning(A, B, ours=(A,)), ANNOUNCED, [sent(B, "refused")], [])
    assert found.kinds == ANNOUNCED.kinds
    assert found.namespaces == ANNOUNCED.namespaces
    assert found.digests == {entry(A): "d-a"}
    assert found.runs == {}


def test_what_was_held_back_is_remembered_as_it_was_applied_last() -> None:
    """Else the next apply would take for done what was never sent."""
    made = planning(A, OTHER, ours=(A, OTHER))
    plan = Plan("gke", "n", (Change(A, Action.CHANGE, "c"), Change(OTHER, Action.CHANGE, "d")))
    found = exact(replace(made, plan=plan), ANNOUNCED, [sent(A, "refused")], [])
    assert found.digests == {entry(OTHER): "kept"}


def test_each_object_is_listed_with_its_uid() -> None:
    found = exact(planning(A, B, ours=(A, OLD)), ANNOUNCED, [sent(B)], [OLD])
    assert found.members == {entry(A): "0123456789ab", entry(B): "0123456789ab"}


def test_an_announced_object_stays_listed_until_it_is_certain() -> None:
    made = planning(A, B, ours=(A,))
    plan = Plan("gke", "n", (Change(A, Action.CHANGE, "c"), Change(OLD, Action.CREATE, "d")))
    announced = superset(ANNOUNCED, [A, B, OLD])
    found = exact(replace(made, plan=plan), announced, [sent(A), sent(B, "refused")], [])
    assert found.members == {entry(A): "0123456789ab", entry(B): "", entry(OLD): ""}


def test_what_an_api_that_is_down_would_show_stays_listed() -> None:
    before = superset(ANNOUNCED, [A, JOB])
    found = still_unseen(Inventory(members={entry(A): "u"}), before, frozenset({("batch", "Job")}))
    assert found.members == {entry(A): "u", entry(JOB): ""}


ENDED: Manifest = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "train", "namespace": "n"},
    "status": {"completionTime": "T2", "conditions": [{"type": "Complete", "status": "True"}]},
}
RUNNING = Run("h", "running", "T1", "c")


@pytest.mark.parametrize(
    ("run", "live", "outcome", "ended"),
    [
        (RUNNING, ENDED, "succeeded", "T2"),
        (RUNNING, {**ENDED, "status": {"active": 1}}, "running", ""),
        (RUNNING, None, "ended and removed", ""),
        (Run("h", "failed", "T1", ended="T9"), None, "failed", "T9"),
    ],
)
def test_a_runs_outcome_is_taken_from_its_object_while_that_is_there(
    run: Run, live: Manifest | None, outcome: str, ended: str
) -> None:
    found = closed(run, live)
    assert (found.outcome, found.ended, found.when) == (outcome, ended, "T1")


def session(*components: str, former: int = 0, again: bool = False) -> Session:
    given = {"steps": Setting("steps", 7, "--set"), "size": Setting("size", 1)}
    found = SimpleNamespace(
        scope=SimpleNamespace(components=components),
        former=former,
        again=again,
        contents=None,
        settings=lambda _: given,
    )
    return cast("Session", found)


@pytest.mark.parametrize(
    ("last", "live", "outcome"), [(RUNNING, ENDED, "succeeded"), (RUNNING, {**ENDED, "status": {}}, "stopped")]
)
def test_a_run_that_is_replaced_goes_into_the_past(last: Run, live: Manifest, outcome: str) -> None:
    name = run_name(JOB)
    before = Inventory(runs={name: last}, past={name: (Run("g", "failed", "T0"),)}, revision=4)
    reading = Reading(Snapshot(inventory=before), Parent("ConfigMap", "n", "x"))
    plan = Plan("gke", "n", (Change(JOB, Action.NEW_RUN, "c", live=live),))
    started = Inventory(runs={name: Run("i", "running", "T3", "c")})
    found = with_history(session("c", again=True), Planning(plan, (), reading), started, 5)
    assert [run.outcome for run in found.past[name]] == [outcome, "failed"]
    assert (found.runs[name].by, found.runs[name].params, found.revision) == ("run", {"steps": 7}, 5)


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        (session(), 3, 0),  # all files applied
        (session("c"), 3, 3),  # the other components are still as they were rolled back to
        (session(again=True), 3, 3),
        (session(former=2), 3, 2),
        (session(), 0, 0),
    ],
)
def test_which_former_revision_the_cluster_is_at(where: Session, before: int, after: int) -> None:
    reading = Reading(Snapshot(inventory=Inventory(former=before)), Parent("ConfigMap", "n", "x"))
    found = with_history(where, Planning(Plan("gke", "n"), (), reading), Inventory(), 5)
    assert found.former == after
