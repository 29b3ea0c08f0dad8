from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError
from mlstack.plan.stages import ACCESS, DEFINITIONS, NAMESPACES, SERVICES, WORKLOADS, is_custom, stages


def make(api: str, kind: str, name: str = "x", **more: Any) -> Manifest:
    metadata = {"name": name, "namespace": "n", **more.pop("metadata", {})}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **more}


def deployment(name: str = "x", labels: dict[str, str] | None = None, **metadata: Any) -> Manifest:
    template = {"metadata": {"labels": labels or {}}}
    return make("apps/v1", "Deployment", name, spec={"template": template}, metadata=metadata)


CRD = make("apiextensions.k8s.io/v1", "CustomResourceDefinition")
SERVICE = make("v1", "Service", "hook", spec={"selector": {"app": "hook"}})
WEBHOOK = make(
    "admissionregistration.k8s.io/v1",
    "ValidatingWebhookConfiguration",
    webhooks=[{"clientConfig": {"service": {"namespace": "n", "name": "hook"}}}],
)

TABLE = [
    (make("v1", "Namespace"), NAMESPACES),
    (CRD, DEFINITIONS),
    (make("v1", "ConfigMap"), ACCESS),
    (make("v1", "Secret"), ACCESS),
    (make("v1", "PersistentVolumeClaim"), ACCESS),
    (make("rbac.authorization.k8s.io/v1", "ClusterRole"), ACCESS),
    (make("networking.k8s.io/v1", "NetworkPolicy"), ACCESS),
    (SERVICE, SERVICES),
    (WEBHOOK, SERVICES),
    (deployment(), WORKLOADS),
    (make("apps/v1", "StatefulSet"), WORKLOADS),
    (make("batch/v1", "Job"), WORKLOADS),
    (make("kubeflow.org/v1", "TFJob"), WORKLOADS),
    (make("autoscaling/v2", "HorizontalPodAutoscaler"), WORKLOADS),
]


@pytest.mark.parametrize(("manifest", "stage"), TABLE, ids=lambda value: str(value)[:60])
def test_rank(manifest: Manifest, stage: int) -> None:
    assert list(stages({"c": [manifest]}).values()) == [stage]


def test_a_deployment_beside_crds_is_an_operator() -> None:
    assert stages({"c": [CRD, deployment()]})[Key("apps", "Deployment", "n", "x")] == SERVICES
    assert stages({"c": [CRD], "d": [deployment()]})[Key("apps", "Deployment", "n", "x")] == WORKLOADS


def test_a_workload_behind_a_webhook_is_an_operator() -> None:
    found = stages({"c": [WEBHOOK, SERVICE, deployment("a", {"app": "hook"}), deployment("b", {"app": "other"})]})
    assert found[Key("apps", "Deployment", "n", "a")] == SERVICES
    assert found[Key("apps", "Deployment", "n", "b")] == WORKLOADS


def test_an_annotation_overrides() -> None:
    named = deployment(annotations={"mlstack.dev/stage": "operators"})
    assert list(stages({"c": [named]}).values()) == [SERVICES]
    with pytest.raises(MlstackError, match=r"mlstack\.dev/stage is 'soon'"):
        stages({"c": [deployment(annotations={"mlstack.dev/stage": "soon"})]})


@pytest.mark.parametrize(
    ("group", "custom"),
    [
        ("", False),
        ("apps", False),
        ("rbac.authorization.k8s.io", False),
        ("kubeflow.org", True),
        ("sparkoperator.k8s.io", True),
        ("kueue.x-k8s.io", True),
    ],
)
def test_is_custom(group: str, custom: bool) -> None:
    assert is_custom(Key(group, "X", "", "x")) is custom
