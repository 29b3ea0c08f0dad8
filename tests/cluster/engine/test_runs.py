"""Runs on a real cluster: started on purpose, followed to their outcome, remembered beyond their objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.apply import ApplyOptions, PlanBlockedError
from mlstack.actions.delete import delete
from mlstack.actions.events import LogLine
from mlstack.actions.generate import generate
from mlstack.actions.history import history, run_history, run_record
from mlstack.actions.logs import logs
from mlstack.actions.params import set_param
from mlstack.actions.reading import inventory_of, read_parent
from mlstack.actions.recording import recorded
from mlstack.actions.remember import store_inventory
from mlstack.actions.rollback import rollback
from mlstack.actions.runs import run
from mlstack.actions.session import open_session
from mlstack.app.project import Project
from mlstack.cli import main
from mlstack.errors import MlstackError, WorkloadFailedError
from mlstack.plan.model import Action, Allow
from mlstack.plan.runs import Run
from tests.cluster.engine.manifests import JOB, job

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]


def uid(kubectl: Kubectl, namespace: str, name: str = "job/train") -> str:
    found: dict[str, Any] = json.loads(kubectl("get", name, "-n", namespace, "-o", "json", context="gke"))
    return str(found["metadata"]["uid"])


def test_started_again_on_purpose_and_followed(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("train", job("sim/run-for: 1s"))
    stack.apply(wait="finished")
    first = uid(kubectl, namespace)
    events: list[object] = []
    done = run(stack.scope(), "train", follow=True, on_event=events.append)
    assert done.finished
    assert uid(kubectl, namespace) != first
    said = [event for event in events if isinstance(event, LogLine)]
    assert len(said) == len({(event.pod, event.line) for event in said}) > 0  # no line of a pod twice
    assert {event.several for event in said} == {False}
    assert stack.apply().plan.writes == ()
    assert stack.writes() == {}

    kubectl("delete", "job/train", "-n", namespace, context="gke")  # as its TTL would
    runs = run_history(stack.scope(), "train")
    assert [(one.object, one.by, one.outcome) for one in runs] == [
        ("Job/train", "run", "succeeded"),
        ("Job/train", "apply", "succeeded"),
    ]
    assert all(one.started <= one.ended for one in runs)

    stack.write("train", job("sim/mode: fail"))
    with pytest.raises(WorkloadFailedError, match="Job/train failed"):
        run(stack.scope(), "train", follow=True)
    assert run_history(stack.scope(), "train")[0].outcome == "failed"


def test_removed_by_its_ttl_and_applied_three_times(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("train", job("sim/run-for: 1s").replace("backoffLimit: 0", "ttlSecondsAfterFinished: 0"))
    stack.apply(wait="finished")
    kubectl("wait", "--for=delete", "job/train", "-n", namespace, "--timeout=30s", context="gke")
    for _ in range(3):
        assert stack.apply().plan.writes == ()
        assert stack.writes() == {}
    assert "NotFound" in kubectl("get", "job/train", "-n", namespace, context="gke", check=False)

    stack.write("train", job("sim/mode: forever", "2"))
    assert [change.action for change in stack.apply().plan.changes] == [Action.NEW_RUN]
    running = uid(kubectl, namespace)
    assert stack.apply().plan.writes == ()
    stack.write("train", job("sim/mode: forever", "3"))
    held = stack.apply().plan
    assert ([change.action for change in held.changes], held.writes) == ([Action.HELD], ())
    assert uid(kubectl, namespace) == running
    assert [change.action for change in stack.apply(disruption=True).plan.changes] == [Action.NEW_RUN]
    assert uid(kubectl, namespace) != running
    assert [one.outcome for one in run_history(stack.scope(), "train")] == ["running", "stopped", "succeeded"]


def test_a_running_one_is_replaced_only_when_allowed(
    stack: Stack, namespace: str, kubectl: Kubectl, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.write("train", job("sim/mode: forever"))
    stack.write("settings", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")
    stack.apply()
    first = uid(kubectl, namespace)
    with pytest.raises(PlanBlockedError, match="replaces the running Job/train, which has not ended"):
        run(stack.scope(), "train")
    assert uid(kubectl, namespace) == first
    run(stack.scope(), "train", options=ApplyOptions(Allow(disruption=True)))
    assert uid(kubectl, namespace) != first
    told: list[object] = []
    logs(stack.scope(), "train", told.extend, told.append)
    assert all(isinstance(event, LogLine) for event in told)
    assert told

    monkeypatch.chdir(stack.root)
    capsys.readouterr()
    assert main.run(["logs", "gke", "train", "--tail", "1"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 1
    assert main.run(["logs", "gke", "settings"]) == 1
    assert "settings has no pods in gke" in capsys.readouterr().err
    assert main.run(["run", "gke", "settings"]) == 1
    assert "settings is no run" in capsys.readouterr().err
    with pytest.raises(MlstackError, match="settings never ran in gke"):
        run_history(stack.scope(), "settings")


def own_prototype(stack: Stack, template: str) -> None:
    """A component `train` of a prototype with a parameter `steps`, from a registry of the app's own: TFJobs are not
    served here."""
    registry = stack.root / "ours"
    (registry / "jobs/train/templates").mkdir(parents=True)
    (registry / "registry.yaml").write_text(
        "apiVersion: mlstack.dev/v1\nkind: Registry\nname: ours\ndescription: Ours.\n"
    )
    (registry / "jobs/package.yaml").write_text(
        "apiVersion: mlstack.dev/v1\nkind: Package\nname: jobs\nversion: 0.1.0\ndescription: Jobs.\n"
    )
    (registry / "jobs/train/prototype.yaml").write_text(
        "apiVersion: mlstack.dev/v1\nkind: Prototype\nname: train\nversion: 0.1.0\nsummary: A job.\n"
        "description: A job.\nlifecycle: run\nparameters:\n"
        "  steps: {type: integer, default: 1, description: How many.}\n"
    )
    (registry / "jobs/train/templates/job.yaml").write_text(template.replace('"1"', "{{ params.steps ~ '' }}"))
    main.run(["--app", str(stack.root), "registry", "add", "ours", str(registry)])
    generate(Project.load(stack.root), "ours/jobs/train", "train")


MOUNTING = """
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ "train-" ~ params.steps }}}
data: {steps: "1"}
---
""" + JOB.replace(
    "containers: [{name: train, ",
    """volumes: [{name: a, configMap: {name: {{ "train-" ~ params.steps }}}}]
      containers: [{name: train, volumeMounts: [{name: a, mountPath: /a}], """,
)


def test_a_configmap_goes_with_its_run(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    """One with a hash in its name is another for every value: `run --set` leaves one behind that renders no longer."""

    def configs() -> set[str]:
        found = kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke").split()
        return {name.partition("/")[2] for name in found if name.startswith("configmap/train-")}

    own_prototype(
        stack, MOUNTING.replace("MODE", "sim/mode: forever").replace("{name: train}", "{name: {{ name }}}", 1)
    )
    stack.apply()
    assert configs() == {"train-1"}
    run(replace(stack.scope(), sets=("steps=7",)), "train", options=ApplyOptions(Allow(disruption=True)))
    assert configs() == {"train-1", "train-7"}
    kept = [change for change in stack.apply().plan.changes if change.action is Action.KEEP]
    assert [(change.key.name, change.reason) for change in kept] == [
        ("train-7", "kept: goes with Job/train, which was started with it")
    ]
    assert stack.writes() == {}
    assert configs() == {"train-1", "train-7"}

    kubectl("delete", "job/train", "-n", namespace, context="gke")  # as its TTL would
    stack.apply()
    assert configs() == {"train-1"}


def test_values_for_one_run_are_not_remembered_as_the_files(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    own_prototype(stack, job("sim/run-for: 1s").replace("{name: train}", "{name: {{ name }}}", 1))
    stack.apply(wait="finished")
    first = uid(kubectl, namespace)

    once = replace(stack.scope(), sets=("steps=7",))
    run(once, "train", follow=True)
    found = json.loads(kubectl("get", "job/train", "-n", namespace, "-o", "json", context="gke"))
    assert found["spec"]["template"]["spec"]["containers"][0]["args"] == ["7"]
    assert found["metadata"]["uid"] != first
    assert {str(action): n for action, n in stack.apply().plan.counts.items()} == {"done": 1}
    assert stack.writes() == {}
    assert [one.params for one in run_history(stack.scope(), "train")] == [
        {"steps": [None, 7]},
        {},
    ]
    assert [one.revision for one in history(stack.scope()).revisions] == [1]

    # Back with the files: the comment stays, and the next apply has nothing to do.
    file = stack.root / "components/train.yaml"
    file.write_text(f"# how we train\n{file.read_text()}")
    before = file.read_text()
    set_param(Project.load(stack.root), "train", "steps", "9")
    stack.apply(wait="finished")
    done = rollback(stack.scope(), files=True, options=ApplyOptions(wait="finished", timeout_s=60))
    assert (done.revision.revision, done.files) == (1, ("components/train.yaml",))
    assert file.read_text() == before
    assert history(stack.scope()).former == 0  # files and cluster say the same: nothing to ask about
    assert stack.apply().plan.writes == ()
    assert run_history(stack.scope(), "train")[0].params == {"steps": [9, None]}


def test_a_failed_run_keeps_its_exit_code_and_its_last_lines(
    stack: Stack, kubectl: Kubectl, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """F10: its pods are gone, as an operator cleans them, and then its object by its TTL."""
    stack.write("train", job("sim/mode: fail"))
    with pytest.raises(WorkloadFailedError, match="exit code 1") as failed:
        stack.apply(wait="finished")
    assert failed.value.hint == "Its last lines: mlstack logs gke train"
    said: list[LogLine] = []
    logs(stack.scope(), "train", said.extend, lambda text: None)
    where = ("-n", stack.namespace)
    monkeypatch.chdir(stack.root)
    for gone in (("pods", "-l", "app.kubernetes.io/component=train"), ("job/train", "--cascade=orphan")):
        kubectl("delete", *gone, *where, context="gke")
        kept: list[LogLine] = []
        told: list[str] = []
        logs(stack.scope(), "train", kept.extend, told.append)
        assert [one.line for one in kept] == [one.line for one in said] != []
        assert "Run 1 failed" in told[0]
        capsys.readouterr()
        assert main.run(["history", "gke", "train", "--run", "1"]) == 0
        shown = capsys.readouterr().out
        assert "ended with exit code 1" in shown
        assert said[-1].line in shown
        assert main.run(["history", "gke", "train"]) == 0
        assert "ended with exit code 1" in capsys.readouterr().out
        assert main.run(["status", "gke"]) == 0
        assert "ended with exit code 1" in capsys.readouterr().out
    assert main.run(["history", "gke", "train", "--run", "9"]) == 1
    assert "train has no run 9 in gke; there are 1 to 1." in capsys.readouterr().err


def test_an_end_is_recorded_by_whoever_looks(stack: Stack, kubectl: Kubectl) -> None:
    """Nobody waited; `status` sees the failed run and keeps what its pods say, for those who come later."""
    stack.write("train", job("sim/mode: fail"))
    stack.write("other", job("sim/mode: fail").replace("name: train", "name: other"))
    stack.apply(wait="none")
    where = ("-n", stack.namespace)
    kubectl("wait", "--for=condition=Failed", "job/train", "job/other", *where, "--timeout=60s", context="gke")
    shown = run_record(stack.scope(), "other", 1)
    assert (shown.outcome, [end.exit_code for end in shown.containers]) == ("failed", [1])
    assert run_history(stack.scope(), "train")[0].outcome == "failed"
    writes = stack.writes()
    assert writes == {"PATCH configmaps": 1}
    kubectl("delete", "job/train", *where, context="gke")
    (found,) = run_history(stack.scope(), "train")
    assert (found.number, found.outcome) == (1, "failed")
    assert "exit code 1" in found.reason
    assert stack.writes() == {}
    kept: list[LogLine] = []
    logs(stack.scope(), "train", kept.extend, lambda text: None)
    assert kept
    stack.apply()
    assert stack.writes() == {}  # it has failed, and is not started again


@pytest.mark.parametrize("jobs", [20, pytest.param(450, marks=pytest.mark.slow)])
def test_many_runs_with_many_parameters_do_not_fill_the_inventory(stack: Stack, jobs: int) -> None:
    """E21: 450 names of jobs with 2 kB of parameters each, which a former version kept in the inventory."""
    stack.write("settings", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n")
    stack.apply()
    session = open_session(stack.scope())
    parent = read_parent(session)
    former = inventory_of(parent, session.owner)
    runs = {
        f"Job.batch/{stack.namespace}/j{n}": Run(
            f"h{n}", "failed", "2026-01-01T00:00:02Z", "train", params={"args": f"{n} " * 700}
        )
        for n in range(jobs)
    }
    past = {name: (replace(run, hash="older", when="2026-01-01T00:00:01Z"),) for name, run in runs.items()}
    before = replace(former, runs=runs, past=past)
    found = recorded(session, before, before, {})
    store_inventory(session, parent, found)
    stored = read_parent(session)
    assert sum(map(len, stored.data.values())) < 2000 + 300 * jobs
    read = inventory_of(stored, session.owner)
    assert (read.past, len({run.number for run in read.runs.values()})) == ({}, jobs)
    every = run_history(stack.scope(), "train")
    assert sorted(one.number for one in every) == list(range(1, 2 * jobs + 1))  # nothing is lost
    # A migration that was killed before the inventory was written is not made twice.
    again = recorded(session, before, before, {})
    assert again.runs == found.runs
    assert len(run_history(stack.scope(), "train")) == 2 * jobs
    stack.apply()
    assert stack.writes() == {}
    delete(stack.scope())
    assert "-run-" not in stack.kubectl("get", "configmaps", "-n", stack.namespace, "-o", "name", context="gke")
