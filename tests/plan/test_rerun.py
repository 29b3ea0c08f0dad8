from __future__ import annotations

import pytest

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.inventory import Inventory
from mlstack.plan.model import Action, Allow, Change, Plan
from mlstack.plan.rerun import rerun, sending, under_former_hash
from mlstack.plan.runs import RUN_ANNOTATION, Run, run_name
from mlstack.plan.wanted import Wanted

JOB, CONFIG, OLD = Key("batch", "Job", "n", "train"), Key("", "ConfigMap", "n", "c"), Key("", "ConfigMap", "n", "old")
MANIFEST: Manifest = {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "train"}, "spec": {}}
RUNNING: Manifest = {**MANIFEST, "status": {"active": 1, "ready": 1}}
ENDED: Manifest = {**MANIFEST, "status": {"conditions": [{"type": "Complete", "status": "True"}]}}


def plan(action: Action, live: Manifest | None) -> Plan:
    changes = (
        Change(CONFIG, Action.UNCHANGED, "train"),
        Change(JOB, action, "train", manifest=MANIFEST, live=live),
        Change(OLD, Action.PRUNE, "train"),
    )
    return Plan("gke", "n", changes)


@pytest.mark.parametrize(
    ("action", "live", "allowed", "expected", "blocked"),
    [
        (Action.DONE, None, False, Action.NEW_RUN, False),
        (Action.DONE, ENDED, False, Action.NEW_RUN, False),
        (Action.NEW_RUN, None, False, Action.NEW_RUN, False),
        (Action.UNCHANGED, RUNNING, False, Action.NEW_RUN, True),
        (Action.UNCHANGED, RUNNING, True, Action.NEW_RUN, False),
        (Action.FOREIGN, ENDED, True, Action.FOREIGN, False),
    ],
)
def test_a_run_starts_again_unless_it_runs(
    action: Action, live: Manifest | None, allowed: bool, expected: Action, blocked: bool
) -> None:
    found = rerun(plan(action, live), {JOB}, Allow(disruption=allowed), once=False)
    config, job, old = found.changes
    assert (config.action, old.action) == (Action.UNCHANGED, Action.PRUNE)
    assert job.action is expected
    assert bool(job.blocked) is blocked


def test_values_for_this_once_prune_nothing() -> None:
    found = rerun(plan(Action.DONE, None), {JOB}, Allow(), once=True)
    assert [change.key for change in found.changes] == [CONFIG, JOB]


def test_values_for_this_once_keep_the_former_hash() -> None:
    wanted = [Wanted(JOB, "train", MANIFEST, 4, "new"), Wanted(CONFIG, "train", {}, 2)]
    memory = Inventory(runs={run_name(JOB): Run("old", "succeeded", "T")})
    job, config = under_former_hash(wanted, memory)
    assert (job.run, config) == ("old", wanted[1])
    assert job.manifest["metadata"]["annotations"] == {RUN_ANNOTATION: "old"}
    assert under_former_hash(wanted, Inventory()) == wanted  # never started: its own
    sent = sending(plan(Action.DONE, None), [job, config])
    assert sent.changes[1].manifest == job.manifest
    assert sent.changes[0].manifest is None
