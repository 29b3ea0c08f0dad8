"""Restarts of a run's pods, in a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.restarts import restarts

OOM = {"reason": "OOMKilled", "exitCode": 137}
FAILED = {"reason": "Error", "exitCode": 1}


def pod(name: str, count: int, last: dict[str, Any], key: str = "containerStatuses") -> dict[str, Any]:
    """A pod whose container has started again that often."""
    status = {"name": "tensorflow", "restartCount": count, "lastState": {"terminated": last} if last else {}}
    return {"metadata": {"name": name}, "status": {key: [status]}}


def job(**condition: str) -> dict[str, Any]:
    """A TFJob with one condition."""
    return {"kind": "TFJob", "metadata": {"name": "cnn"}, "status": {"conditions": [condition] if condition else []}}


def replaced(name: str, status: dict[str, Any]) -> dict[str, Any]:
    """A pod that failed, and in whose place a Job made another one."""
    return {"metadata": {"name": name}, "status": {"phase": "Failed", **status}}


MESSAGE = "job cnn is restarting because Worker replica(s) failed."
CASES = [
    ([pod("w-0", 0, {})], {}, ""),
    ([pod("w-0", 1, OOM), pod("w-1", 0, {})], {}, "restarted at least once, pod w-0: tensorflow OOMKilled"),
    (
        [pod("w-0", 1, OOM), pod("w-1", 2, FAILED)],
        {},
        "restarted at least 3 times, most often pod w-1: tensorflow ended with exit code 1",
    ),
    (
        [pod("w-0", 2, FAILED, "initContainerStatuses")],
        {},
        "restarted at least 2 times, pod w-0: tensorflow ended with exit code 1",
    ),
    ([pod("w-0", 1, {})], {}, "restarted at least once, pod w-0: tensorflow ended for an unknown reason"),
    (
        [pod("w-0", 0, {})],
        {"type": "Restarting", "status": "True", "message": MESSAGE},
        "restarts with new pods: job cnn is restarting because Worker replica(s) failed",
    ),
    ([], {"type": "Restarting", "status": "False", "message": MESSAGE}, ""),
]


@pytest.mark.parametrize(("pods", "condition", "said"), CASES)
def test_restarts_and_their_reason(pods: list[dict[str, Any]], condition: dict[str, str], said: str) -> None:
    assert restarts(job(**condition), pods) == said


@pytest.mark.parametrize(
    ("status", "why"),
    [
        ({"containerStatuses": [{"name": "main", "state": {"terminated": FAILED}}]}, "main ended with exit code 1"),
        ({"containerStatuses": [{"name": "main", "state": {"terminated": OOM}}]}, "main OOMKilled"),
        ({"reason": "Evicted"}, "the pod failed"),
    ],
)
def test_the_failed_pods_of_a_job_are_its_restarts(status: dict[str, Any], why: str) -> None:
    live: dict[str, Any] = {"kind": "Job", "metadata": {"name": "train"}, "status": {}}
    pods = [replaced("train-a", status), pod("train-b", 0, {})]
    assert restarts(live, pods) == f"restarted at least once, pod train-a: {why}"
    live["status"] = {"conditions": [{"type": "Failed", "status": "True"}]}
    assert restarts(live, pods) == ""  # the last failure is followed by none
