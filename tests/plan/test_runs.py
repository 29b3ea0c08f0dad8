from __future__ import annotations

import copy
from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.readiness import State
from mlstack.plan.runs import (
    Decision,
    Run,
    RunState,
    decide,
    ended_at,
    has_ended,
    is_run,
    marked,
    run_hash,
    run_readiness,
    state_of,
)

JOB: Manifest = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"name": "train", "namespace": "n", "labels": {"v": "1"}},
    "spec": {
        "template": {
            "metadata": {"labels": {"v": "1"}},
            "spec": {
                "containers": [{"name": "a", "args": ["1"]}],
                "volumes": [{"name": "s", "configMap": {"name": "script-1"}}],
            },
        }
    },
}


def config(name: str, text: str, namespace: str = "n") -> Manifest:
    metadata = {"name": name, "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"x": text}}


def changed(**how: Any) -> Manifest:
    manifest = copy.deepcopy(JOB)
    if "argument" in how:
        manifest["spec"]["template"]["spec"]["containers"][0]["args"] = [how["argument"]]
    if "label" in how:
        manifest["metadata"]["labels"] = {"v": how["label"]}
        manifest["spec"]["template"]["metadata"]["labels"] = {"v": how["label"]}
    return manifest


def test_what_makes_another_run() -> None:
    company = [config("script-1", "a"), config("other", "a")]
    before = run_hash(JOB, company)
    assert run_hash(changed(label="2"), company) == before
    assert run_hash(JOB, [config("other", "b"), config("script-1", "a")]) == before
    assert run_hash(changed(argument="2"), company) != before
    assert run_hash(JOB, [config("script-1", "b")]) != before
    assert run_hash(JOB, [config("script-1", "a", "elsewhere")]) != before


def live(state: str, started: str) -> Manifest:
    kinds = {"running": {}, "succeeded": {"conditions": [{"type": "Complete", "status": "True"}]}}
    kinds["failed"] = {"conditions": [{"type": "Failed", "status": "True"}]}
    return {**marked(JOB, started), "status": kinds[state]}


REMEMBERED = Run("old", RunState.RUNNING.value, "2026-01-01T00:00:00Z")
TABLE = [
    ("never", None, None, RunState.NEVER, Decision.START),
    ("running, the same", live("running", "new"), REMEMBERED, RunState.RUNNING, Decision.LEAVE),
    ("ended, the same", live("succeeded", "new"), REMEMBERED, RunState.SUCCEEDED, Decision.LEAVE),
    ("failed, the same", live("failed", "new"), REMEMBERED, RunState.FAILED, Decision.LEAVE),
    ("running, changed", live("running", "old"), REMEMBERED, RunState.RUNNING, Decision.REPLACE),
    ("ended, changed", live("succeeded", "old"), None, RunState.SUCCEEDED, Decision.REPLACE),
    ("removed, changed", None, REMEMBERED, RunState.REMOVED, Decision.START),
    ("removed, the same", None, Run("new", "running", ""), RunState.REMOVED, Decision.LEAVE),
    ("removed, outcome known", None, Run("new", "failed", ""), RunState.FAILED, Decision.LEAVE),
]


@pytest.mark.parametrize(
    ("there", "remembered", "state", "decision"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)
def test_decision(there: Manifest | None, remembered: Run | None, state: RunState, decision: Decision) -> None:
    assert state_of(there, remembered) is state
    assert decide("new", there, remembered) is decision


@pytest.mark.parametrize(
    ("state", "how"), [("running", State.TERMINATING), ("succeeded", State.FINISHED), ("failed", State.FAILED)]
)
def test_what_is_on_its_way_out_stands_as_it_ended(state: str, how: State) -> None:
    run = live(state, "new")
    run["metadata"]["deletionTimestamp"] = "2026-11-23T12:00:00Z"
    assert run_readiness(run).state is how
    assert has_ended(run) is (how is not State.TERMINATING)


@pytest.mark.parametrize(
    ("group", "kind", "run"),
    [
        ("batch", "Job", True),
        ("kubeflow.org", "TFJob", True),
        ("batch", "CronJob", False),
        ("apps", "Deployment", False),
    ],
)
def test_which_kinds_are_runs(group: str, kind: str, run: bool) -> None:
    assert is_run(Key(group, kind, "n", "x")) is run


@pytest.mark.parametrize(
    ("status", "when"),
    [
        ({}, ""),
        ({"completionTime": "T"}, "T"),
        ({"terminationTime": "T", "applicationState": {"state": "FAILED"}}, "T"),
        ({"conditions": [{"type": "Failed", "status": "True", "lastTransitionTime": "T"}]}, "T"),
        ({"conditions": [{"type": "Failed", "status": "False", "lastTransitionTime": "T"}]}, ""),
        ({"conditions": [{"type": "Running", "status": "True", "lastTransitionTime": "T"}]}, ""),
    ],
)
def test_when_a_run_ended(status: dict[str, Any], when: str) -> None:
    assert ended_at({"metadata": {}, "status": status}) == when
