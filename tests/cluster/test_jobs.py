"""Jobs on a real control plane, by the real training operator and by Kubernetes' own Jobs, on simulated pods."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack import sandbox
from mlstack.actions.apply import ApplyOptions, apply
from mlstack.actions.environments import add_environment
from mlstack.actions.events import LogLine
from mlstack.actions.generate import generate
from mlstack.actions.init import init
from mlstack.actions.logs import logs
from mlstack.actions.params import set_param
from mlstack.actions.session import Scope
from mlstack.actions.status import status
from mlstack.app.contexts import KubeContexts
from mlstack.app.project import Project
from mlstack.cluster.client import Client
from mlstack.cluster.connect import connect as real_connect
from mlstack.plan.model import Allow
from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]
READS = ("GET", "LIST", "WATCH")
NAME = "jobs"
TRAIN = {"image": "registry.example.com/train:1", "command": "python,train.py"}
SERVERS = {"num_masters": "1", "num_workers": "2", "num_ps": "2", "num_gpus": "1"}
GPU = "nvidia.com/gpu"
ROLE, INDEX = "training.kubeflow.org/replica-type", "training.kubeflow.org/replica-index"
COMPLETION = "batch.kubernetes.io/job-completion-index"

CASES = {
    "operated": ("tf-job", {**TRAIN, **SERVERS}),
    "alone": ("tf-job", {**TRAIN, **SERVERS, "runner": "native"}),
    "cnn": ("tf-cnn", {"num_workers": "3", "runner": "native"}),
    "torch": ("pytorch-job", {**TRAIN, "num_workers": "2"}),
    "elastic": ("pytorch-job", {**TRAIN, "elastic_min": "1", "elastic_max": "3"}),
    "torch-alone": ("pytorch-job", {**TRAIN, "num_workers": "2", "runner": "native"}),
}


@pytest.fixture(scope="module")
def cluster(session_env: dict[str, str]) -> Iterator[Sandbox]:
    """A control plane of its own: the operator serves a whole cluster."""
    try:
        yield sandbox.up(NAME, like="gke", context=NAME, progress=lambda _: None)
    finally:
        sandbox.down(NAME)


@pytest.fixture(scope="module")
def app(cluster: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An app with the operator and every case, applied until all runs have ended."""
    root = tmp_path_factory.mktemp("jobs") / "app"
    init(root)
    project = Project.load(root)
    add_environment(project, NAME, KubeContexts((NAME,), NAME), NAME, "team", "gke")
    generate(Project.load(root), "training-operator", "operator", {"webhook": "false"})
    for component, (prototype, values) in CASES.items():
        generate(Project.load(root), prototype, component, values)
    apply(Scope(Project.load(root), NAME), ApplyOptions(wait="finished", timeout_s=180))
    return root


def scope(app: Path, *components: str) -> Scope:
    return Scope(Project.load(app), NAME, components)


def pods(kubectl: Kubectl, component: str) -> list[dict[str, Any]]:
    """The pods of a component, those that ended with the run apart: they are being removed."""
    label = f"app.kubernetes.io/component={component}"
    found = json.loads(kubectl("get", "pods", "-n", "team", "-l", label, "-o", "json", context=NAME))["items"]
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def test_all_runs_succeed(app: Path, kubectl: Kubectl) -> None:
    assert {one.name: one.ready for one in status(scope(app)).components if one.name in CASES} == dict.fromkeys(
        CASES, "done"
    )
    for kind in ("tfjob/operated", "pytorchjob/torch", "pytorchjob/elastic"):
        found = json.loads(kubectl("get", kind, "-n", "team", "-o", "json", context=NAME))
        assert [c["type"] for c in found["status"]["conditions"] if c["status"] == "True"][-1] == "Succeeded"
    for job in ("alone-main", "alone-worker", "cnn-worker", "torch-alone-worker"):
        found = json.loads(kubectl("get", f"job/{job}", "-n", "team", "-o", "json", context=NAME))
        assert "Complete" in [c["type"] for c in found["status"]["conditions"] if c["status"] == "True"]


def test_what_ran_once_does_not_run_again(app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clients: list[Client] = []

    def connect(context: str, kubeconfig: str | None = None) -> Client:
        clients.append(real_connect(context, kubeconfig))
        return clients[-1]

    monkeypatch.setattr("mlstack.actions.connection.connect", connect)
    outcome = apply(scope(app), ApplyOptions())
    assert outcome.plan.writes == ()
    sent = clients[-1].requests
    assert {name: count for name, count in sent.items() if name.split()[0] not in READS} == {}


def test_nothing_outlives_the_run(app: Path, kubectl: Kubectl) -> None:
    for component in CASES:
        left = {pod["metadata"]["name"]: pod["status"]["phase"] for pod in pods(kubectl, component)}
        assert left
        assert set(left.values()) <= {"Succeeded"}, component


def test_pods_and_their_logs_are_known_by_role_and_index(app: Path, kubectl: Kubectl) -> None:
    for component, roles in (("cnn", {"worker"}), ("torch-alone", {"worker"}), ("torch", {"master", "worker"})):
        labels = {pod["metadata"]["name"]: pod["metadata"]["labels"] for pod in pods(kubectl, component)}
        # Those that still ran when the first had succeeded went with the run, as nothing_outlives_the_run wants it.
        assert labels
        assert {found[ROLE] for found in labels.values()} <= roles
        assert all(found.get(INDEX, found.get(COMPLETION, "")).isdigit() for found in labels.values())
        events: list[object] = []
        logs(scope(app), component, events.extend, events.append)
        assert {event.pod for event in events if isinstance(event, LogLine)} == set(labels)


def test_pods_with_gpus_stood_where_gpus_are(app: Path, kubectl: Kubectl) -> None:
    found = json.loads(kubectl("get", "nodes", "-o", "json", context=NAME))["items"]
    nodes = {node["metadata"]["name"]: int(node["status"]["allocatable"].get(GPU, 0)) for node in found}
    stood = {
        component: [(pod["spec"]["nodeName"], gpus(pod)) for pod in pods(kubectl, component)] for component in CASES
    }
    assert sum(asked for _, asked in stood["alone"]) > 0  # of the other's workers none may be left: see above
    for component, places in stood.items():
        assert all(nodes[node] >= asked for node, asked in places), component
        assert not any(nodes[node] for node, asked in places if not asked), f"{component}: no GPU, no GPU node"


def gpus(pod: dict[str, Any]) -> int:
    return sum(int((one["resources"].get("requests") or {}).get(GPU, 0)) for one in pod["spec"]["containers"])


def test_gpus_are_for_those_who_train(app: Path, kubectl: Kubectl) -> None:
    for job, gpus in (("alone-main", None), ("alone-worker", "1")):
        found = json.loads(kubectl("get", f"job/{job}", "-n", "team", "-o", "json", context=NAME))
        (container,) = found["spec"]["template"]["spec"]["containers"]
        assert container["resources"]["limits"].get("nvidia.com/gpu") == gpus


def test_another_runner_is_another_run(app: Path, kubectl: Kubectl) -> None:
    changed = Scope(Project.load(app), NAME, ("operated",), sets=("operated.runner=native",))
    outcome = apply(changed, ApplyOptions(wait="finished", timeout_s=120, allow=Allow()))
    assert {"Job/operated-main", "Job/operated-worker"} <= {str(change.key) for change in outcome.plan.writes}
    assert "operated-main" in kubectl("get", "jobs", "-n", "team", context=NAME)
    assert "operated" not in kubectl("get", "tfjobs", "-n", "team", context=NAME)


@pytest.mark.parametrize(("component", "runner"), [("held", "training-operator"), ("held-alone", "native")])
def test_a_run_is_suspended_in_place_and_its_pods_come_back(
    app: Path, kubectl: Kubectl, component: str, runner: str
) -> None:
    values = {**TRAIN, "num_workers": "1", "runner": runner, "annotations": '{"sim/mode": "forever"}'}
    generate(Project.load(app), "pytorch-job", component, values)

    def applied() -> dict[str, int]:
        plan = apply(scope(app, component), ApplyOptions(timeout_s=120)).plan
        return {str(action): count for action, count in plan.counts.items() if action not in ("unchanged", "create")}

    def running() -> int:
        return sum(pod["status"]["phase"] == "Running" for pod in pods(kubectl, component))

    def said() -> str:
        (one,) = status(scope(app, component)).components
        return one.ready

    assert "new run" in applied()
    kinds = "pytorchjobs,jobs"
    label = f"app.kubernetes.io/component={component}"
    uids = kubectl("get", kinds, "-n", "team", "-l", label, "-o", "jsonpath={..metadata.uid}", context=NAME)
    number = running()
    assert number > 0
    set_param(Project.load(app), component, "suspend", "true")
    assert list(applied()) == ["suspend"]
    await_number(running, 0)
    assert (said(), applied()) == ("suspended", {})
    set_param(Project.load(app), component, "suspend", "false")
    assert list(applied()) == ["resume"]
    await_number(running, number)
    assert (said(), applied()) == ("running", {})
    assert kubectl("get", kinds, "-n", "team", "-l", label, "-o", "jsonpath={..metadata.uid}", context=NAME) == uids


def await_number(function: Callable[[], int], wanted: int) -> None:
    """Wait until it is as many; the test fails where that never comes."""
    until = time.monotonic() + 60
    while function() != wanted and time.monotonic() < until:
        time.sleep(0.2)
    assert function() == wanted


CRASHING = {"annotations": '{"sim/mode": "crashloop"}', "backoff_limit": "2"}
LIMITED = {
    "crashing-cnn": ("tf-cnn", "tfjob/crashing-cnn", {"num_workers": "2"}),
    "crashing-torch": ("pytorch-job", "pytorchjob/crashing-torch", {**TRAIN, "num_workers": "1"}),
    "crashing-alone": ("tf-cnn", "job/crashing-alone-worker", {"runner": "native"}),
}


def test_the_limit_of_restarts_holds(app: Path, kubectl: Kubectl) -> None:
    """The real operator's count of restarts, and the Job controller's, of a program that ends badly again and again."""
    for component, (prototype, _, values) in LIMITED.items():
        generate(Project.load(app), prototype, component, {**CRASHING, **values})
    apply(scope(app, *LIMITED), ApplyOptions(wait="none"))
    deadline = time.monotonic() + 240
    while True:
        stands = status(scope(app, *LIMITED)).components
        if {one.ready for one in stands} == {"failed"}:
            break
        assert time.monotonic() < deadline, stands
        time.sleep(0.3)
    for component, (_, job, _) in LIMITED.items():
        found = json.loads(kubectl("get", job, "-n", "team", "-o", "json", context=NAME))
        messages = [c.get("message", "") for c in found["status"]["conditions"] if c["type"] == "Failed"]
        assert "reached the specified backoff limit" in messages[0], component
    failed = [pod["status"]["phase"] for pod in pods(kubectl, "crashing-alone")]
    assert failed == ["Failed"] * 3, "a Job's failed pods are kept"


def test_a_run_that_starts_again_and_again_is_told_with_its_reason(app: Path) -> None:
    generate(Project.load(app), "tf-cnn", "restarting", {**CRASHING, "backoff_limit": "1000"})
    apply(scope(app, "restarting"), ApplyOptions(wait="none"))
    deadline = time.monotonic() + 240
    while True:
        stands = status(scope(app, "restarting")).components
        if any(" restarted " in note for one in stands for note in one.notes):
            break
        assert time.monotonic() < deadline, stands
        time.sleep(0.3)
