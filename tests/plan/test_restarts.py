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
