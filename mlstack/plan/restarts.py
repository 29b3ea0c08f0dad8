"""How often a run's processes have started again, and why the last time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.state import condition, is_true


def restarts(live: Manifest, pods: Iterable[Manifest]) -> str:
    """A sentence without a period about a run's restarts, empty where there were none.

    A container's count is known while its pod exists: those of pods that were evicted or deleted are lost, so that the
    sum is the least that it was. Where the training operator makes a new pod instead, it sets the condition Restarting;
    a Job keeps the failed pods, and puts another one in the place of each that did not end it.
    """
    own = list(pods)
    found = [(int(one.get("restartCount") or 0), pod, one) for pod in own for one in _containers(pod)]
    if live["kind"] == "Job" and not any(is_true(condition(live, name)) for name in ("Failed", "FailureTarget")):
        found += [(1, pod, _failed(pod)) for pod in own if (pod.get("status") or {}).get("phase") == "Failed"]
    total = sum(count for count, _, _ in found)
    if total:
        _, pod, most = max(found, key=lambda each: each[0])
        times = "once" if total == 1 else f"{total} times"
        where = "pod" if len({one["metadata"]["name"] for count, one, _ in found if count}) == 1 else "most often pod"
        return f"restarted at least {times}, {where} {pod['metadata']['name']}: {_why(most)}"
    again = condition(live, "Restarting")
    return (
        "restarts with new pods: " + str(again.get("message") or "a pod failed").rstrip(".") if is_true(again) else ""
    )


def _failed(pod: Manifest) -> Mapping[str, Any]:
    """The container that a pod failed by, {} for a pod that failed as a whole, as by an eviction."""

    def code(status: Mapping[str, Any]) -> Any:
        return ((status.get("state") or {}).get("terminated") or {}).get("exitCode")

    return next((one for one in _containers(pod) if code(one)), {})


def _containers(pod: Manifest) -> list[Mapping[str, Any]]:
    status = pod.get("status") or {}
    return [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]


def _why(status: Mapping[str, Any]) -> str:
    """Of a container that runs again, its last end; of one that waits to, the same or the present one."""
    last = (status.get("lastState") or {}).get("terminated") or (status.get("state") or {}).get("terminated") or {}
    name = status.get("name", "")
    if not status:
        return "the pod failed"
    if not last:
        return f"{name} ended for an unknown reason"
    reason, code = str(last.get("reason") or ""), last.get("exitCode", "?")
    return f"{name} {reason}" if reason == "OOMKilled" else f"{name} ended with exit code {code}"
