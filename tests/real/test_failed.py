"""F10: a program that crashes until its backoff limit, and no command of mlstack that watches it."""

from __future__ import annotations

import json

import pytest

from tests.real.place import Place, until

pytestmark = pytest.mark.slow

CRASH = '--command=["sh", "-c", "echo the last words; exit 3"]'
USUAL = ("--image=busybox:latest", CRASH, "--backoff_limit=1", "--cpu=50m", "--memory=64Mi")
KEPT = [
    pytest.param(("--restart_policy=Never",), "tfjob/crash-0", 1, id="never"),
    pytest.param(("--runner=native",), "job/crash-1-worker", 2, id="native"),
]


def failed(place: Place, job: str) -> bool:
    conditions = json.loads(place.kubectl("get", job, "-o", "json")).get("status", {}).get("conditions", [])
    return any(one["type"] == "Failed" and one["status"] == "True" for one in conditions)


def pods(place: Place, component: str) -> list[str]:
    """Those that exist, by name."""
    label = f"app.kubernetes.io/component={component}"
    return place.kubectl("get", "pods", "-l", label, "-o", "name").split()


@pytest.mark.parametrize(("parameters", "job", "count"), KEPT)
def test_failed_pods_are_kept_with_their_logs(stack: Place, parameters: tuple[str, ...], job: str, count: int) -> None:
    name = job.partition("/")[2].removesuffix("-worker")
    stack.do("generate", "tf-job", name, *USUAL, *parameters)
    stack.do("apply", "minikube", "-c", name, "--no-wait")
    until(lambda: failed(stack, job), f"{job} to fail", 120)
    assert len(pods(stack, name)) == count
    assert stack.do("logs", "minikube", name).count("the last words") == count
    shown = stack.do("history", "minikube", name, "--run", "1")
    assert "ended with exit code 3" in shown
    assert "the last words" in shown
    stack.do("delete", "minikube", "-c", name, "--yes")


def test_the_exit_code_of_a_pod_that_the_operator_has_deleted(stack: Place) -> None:
    """Its default, OnFailure: the pod is counted as failed while it is to start again, and deleted with its log."""
    stack.do("generate", "tf-job", "crash", *USUAL)
    stack.do("apply", "minikube", "-c", "crash", "--no-wait")
    until(lambda: failed(stack, "tfjob/crash") and not pods(stack, "crash"), "the job to fail without pods", 120)
    assert "worker-0 ended with exit code 3" in stack.do("status", "minikube", "-c", "crash")
    shown = stack.do("history", "minikube", "crash", "--run", "1")
    assert "worker-0 ended with exit code 3" in shown
    assert "(none were kept)" in shown
    stack.do("delete", "minikube", "-c", "crash", "--yes")
