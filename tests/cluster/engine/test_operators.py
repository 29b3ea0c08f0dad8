"""An operator that is not ready holds back the kinds that it brings, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.events import Notice
from mlstack.actions.outcome import LateError
from mlstack.errors import NotReadyError

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

OPERATOR = """\
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.GROUP}
spec:
  group: GROUP
  scope: Namespaced
  names: {kind: Thing, plural: things}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
"""
WORKLOAD = """\
---
apiVersion: apps/v1
kind: KIND
metadata: {name: NAME}
spec:
  selector: {matchLabels: {app: NAME}}
  template:
    metadata: {labels: {app: NAME}, annotations: {sim/mode: MODE}}
    spec: {containers: [{name: main, image: main}]}
"""
THING = "apiVersion: GROUP/v1\nkind: Thing\nmetadata: {name: thing}\n"


def workload(kind: str, name: str, mode: str = "ok") -> str:
    return WORKLOAD.replace("KIND", kind).replace("NAME", name).replace("MODE", mode)


def test_what_needs_no_operator_goes_on(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    group = f"{namespace}.example"
    definition = OPERATOR.replace("GROUP", group)
    company = workload("StatefulSet", "side")  # beside the operator, in its component
    stack.write("operator", definition + workload("Deployment", "operator", "pending") + company)
    stack.write("thing", THING.replace("GROUP", group))
    stack.write("web", workload("Deployment", "web"))
    try:
        with pytest.raises(NotReadyError, match=r"Not ready in time: Deployment/operator 0/1"):
            stack.apply(timeout_s=4)
        told = [event.text for event in stack.events if isinstance(event, Notice)]
        assert "Not sent, as Deployment/operator is not ready: Thing/thing." in told
        there = kubectl("get", f"deployment,statefulset,things.{group}", "-n", namespace, "-o", "name", context="gke")
        assert there.split() == ["deployment.apps/operator", "deployment.apps/web", "statefulset.apps/side"]

        stack.write("operator", definition + workload("Deployment", "operator", "unready") + company)
        with pytest.raises(LateError, match="Not sent, as the operator was not ready: Thing/thing"):
            stack.apply(timeout_s=4, wait="none", disruption=True)

        stack.write("operator", definition + workload("Deployment", "operator") + company)
        assert stack.apply(disruption=True).applied == 2
    finally:
        kubectl("delete", "crd", f"things.{group}", "--ignore-not-found", "--wait=false", context="gke")
