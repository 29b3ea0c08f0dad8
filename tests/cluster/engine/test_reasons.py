"""Why something does not come up, as `apply` says it, and when it gives up early, on a real control plane."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mlstack.actions import waiting
from mlstack.actions.events import Progress
from mlstack.app.project import Project
from mlstack.errors import NotReadyError, WorkloadFailedError

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {ANNOTATION}}
    spec: {containers: [{name: a, image: IMAGE, resources: {limits: {nvidia.com/gpu: GPUS}}}]}
"""


def web(image: str = "nginx", gpus: str = "0", annotation: str = "") -> str:
    return WEB.replace("IMAGE", image).replace("GPUS", gpus).replace("ANNOTATION", annotation)


def told(stack: Stack) -> list[str]:
    return [event.reason for event in stack.events if isinstance(event, Progress)]


def test_a_crash_is_told_with_the_last_lines_of_its_log(stack: Stack) -> None:
    never_ready = "spec:\n  minReadySeconds: 100"  # it runs a second before each crash
    stack.write("web", web(annotation="sim/mode: crashloop").replace("spec:", never_ready, 1))
    for _ in range(10):  # every few seconds it runs again for one, and then has no reason
        with pytest.raises(NotReadyError) as caught:
            stack.apply(timeout_s=6)
        assert stack.sent()["GET pods/log"] <= 2
        if re.search(r"CrashLoopBackOff: a ended with exit code \d+.*; its log ends: \S+", str(caught.value)):
            return
    raise AssertionError(str(caught.value))


def test_what_no_node_can_take_ends_a_wait_where_none_can_come(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "GRACE_SECONDS", 2.0)
    environment = stack.root / "environments" / "gke.yaml"
    environment.write_text(environment.read_text().replace("autoscaling: unknown", "autoscaling: none"))
    assert Project.load(stack.root).environment("gke").autoscaling == "none"
    stack.write("web", web(gpus="99"))
    with pytest.raises(NotReadyError, match=r"Cannot become ready as things stand: .*fewer than 99 GPUs free"):
        stack.apply(fail_fast=True, timeout_s=50, preflight=False)
    assert any("GPUs free" in reason for reason in told(stack))  # said before it was given up


def test_where_nodes_may_come_it_is_waited_for(stack: Stack) -> None:
    stack.write("web", web(gpus="99"))
    with pytest.raises(NotReadyError, match=r"Not ready in time: .*fewer than 99 GPUs free"):
        stack.apply(fail_fast=True, timeout_s=2)


def test_a_quota_is_told_by_the_object_itself(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "quota", "none", "--hard=pods=0", "-n", namespace, context="gke")
    stack.write("web", web())
    with pytest.raises(
        NotReadyError, match=r"Cannot become ready as things stand: .*ResourceQuota/none has 0 of 0 pods left"
    ):
        stack.apply(fail_fast=True, timeout_s=40)
    assert stack.sent()["LIST events"] == 0


JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: train}
spec:
  backoffLimit: 0
  template:
    metadata: {annotations: {sim/mode: fail}}
    spec: {restartPolicy: Never, containers: [{name: train, image: busybox}]}
"""


def test_a_failed_job_ends_the_wait_of_everything(stack: Stack) -> None:
    stack.write("web", web(gpus="99"))
    stack.write("train", JOB)
    with pytest.raises(WorkloadFailedError, match="Job/train failed"):
        stack.apply(fail_fast=True, wait="finished", timeout_s=50)
    assert any("GPUs free" in reason for reason in told(stack))
