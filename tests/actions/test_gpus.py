from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mlstack.actions.gpus import GpuHours, Gpus, count_gpus, gpu_hours

GPU = "nvidia.com/gpu"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


def pod(
    *gpus: int, node: str = "a", phase: str = "Running", app: str = "other", init: tuple[int, ...] = (), **status: Any
) -> dict[str, Any]:
    def containers(counts: tuple[int, ...]) -> list[dict[str, Any]]:
        return [{"name": "c", "resources": {"limits": {GPU: str(count)}}} for count in counts]

    spec = {"nodeName": node, "containers": [*containers(gpus), {"name": "x"}], "initContainers": containers(init)}
    labels = {"app.kubernetes.io/part-of": app, "app.kubernetes.io/component": "cnn"}
    return {"metadata": {"name": "p", "labels": labels}, "spec": spec, "status": {"phase": phase, **status}}


def placed(when: str) -> dict[str, Any]:
    return {"conditions": [{"type": "PodScheduled", "status": "True", "lastTransitionTime": when}]}


def ended(*when: str) -> dict[str, Any]:
    return {"containerStatuses": [{"state": {"terminated": {"finishedAt": one}}} for one in when]}


def test_what_counts() -> None:
    pods = [
        pod(1, 2),
        pod(4, app="mine"),
        pod(1, init=(3,)),  # the larger of both
        pod(8, node=""),  # waits
        pod(8, phase="Succeeded"),
        pod(8, phase="Failed"),
    ]
    assert count_gpus(pods, "mine", GPU, 16, NOW) == Gpus(used=10, ours=4, total=16)


def test_hours_run_from_a_pods_place_to_its_end() -> None:
    pods = [
        pod(2, **placed("2026-11-23T10:30:00Z")),  # 2 GPUs for 1.5 hours, still
        pod(
            4,
            phase="Succeeded",
            **placed("2026-11-23T08:00:00Z"),
            **ended("2026-11-23T08:15:00Z", "2026-11-23T08:30:00Z"),
        ),
        pod(1, phase="Failed", startTime="2026-11-23T09:00:00Z"),  # nobody knows when it ended
        pod(8, node="", conditions=[{"type": "PodScheduled", "status": "False"}]),
        pod(0, **placed("2026-11-22T00:00:00Z")),
    ]
    assert gpu_hours(pods, GPU, NOW) == (GpuHours("cnn", 5.0, "2026-11-23 08:00Z"),)


def test_hours_of_others_and_of_moments_are_not_told() -> None:
    moment = pod(1, app="mine", **placed("2026-11-23T11:59:50Z"))
    theirs = pod(8, **placed("2026-11-20T00:00:00Z"))
    assert count_gpus([moment, theirs], "mine", GPU, 16, NOW).hours == ()


def test_many_hours_are_whole_ones() -> None:
    (found,) = gpu_hours([pod(3, **placed("2026-11-23T07:50:00Z"))], GPU, NOW)
    assert found.hours == 12.0  # of 12.5: people do not need more, and a watched status is not printed each minute
