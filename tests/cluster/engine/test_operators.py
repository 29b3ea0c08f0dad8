"""An operator that is not ready holds back the kinds that it brings, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.events import Notice
from mlstack.actions.outcome import LateError
from mlstack.errors import NotReadyError
from tests.cluster.engine.manifests import definition, deployment, thing, together, workload

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]


def test_what_needs_no_operator_goes_on(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    group = f"{namespace}.example"
    company = workload("StatefulSet", "side")  # beside the operator, in its component

    def write(mode: str) -> None:
        stack.write("operator", together(definition(group), deployment("operator", mode=mode), company))

    write("pending")
    stack.write("thing", thing(group))
    stack.write("web", deployment())
    try:
        with pytest.raises(NotReadyError, match=r"Not ready in time: Deployment/operator 0/1"):
            stack.apply(timeout_s=4)
        told = [event.text for event in stack.events if isinstance(event, Notice)]
        assert "Not sent, as Deployment/operator is not ready: Thing/one." in told
        there = kubectl("get", f"deployment,statefulset,things.{group}", "-n", namespace, "-o", "name", context="gke")
        assert there.split() == ["deployment.apps/operator", "deployment.apps/web", "statefulset.apps/side"]

        write("unready")
        with pytest.raises(LateError, match="Not sent, as the operator was not ready: Thing/one"):
            stack.apply(timeout_s=4, wait="none", disruption=True)

        write("ok")
        assert stack.apply(disruption=True).applied == 2
    finally:
        kubectl("delete", "crd", f"things.{group}", "--ignore-not-found", "--wait=false", context="gke")
