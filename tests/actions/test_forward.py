"""The pure part of waiting for a pod; the rest runs on a real API server, in tests/cluster/test_notebook.py."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.forward import _Waiting
from mlstack.cluster.objects import Manifest


def pod(phase: str, ready: str = "False", **status: Any) -> Manifest:
    """A pod in a phase."""
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "a", "namespace": "b"},
        "status": {"phase": phase, "conditions": conditions, **status},
    }


PULLING = [{"name": "c", "image": "x:1", "state": {"waiting": {"reason": "ErrImagePull"}}}]


@pytest.mark.parametrize(
    ("steps", "told", "over"),
    [
        ([None, None, pod("Pending")], ["it does not exist yet", "its containers are starting"], False),
        ([pod("Pending", containerStatuses=PULLING)], ["ErrImagePull: image x:1"], False),
        ([pod("Running")], ["its containers run, but are not ready"], False),
        ([None, pod("Running", "True")], ["it does not exist yet"], True),
    ],
)
def test_each_reason_is_told_once(steps: list[Manifest | None], told: list[str], over: bool) -> None:
    said: list[str] = []
    waiting = _Waiting("a", said.append)
    assert [waiting.over(step) for step in steps][-1] is over
    assert said == told
