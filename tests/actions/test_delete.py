from __future__ import annotations

from mlstack.actions.delete import in_reverse
from mlstack.compose.manifests import Manifest, key_of

WEBHOOKS = "admissionregistration.k8s.io/v1"
ORDER = [
    {"ValidatingWebhookConfiguration"},
    {"TFJob", "StatefulSet"},
    {"Deployment", "Service"},
    {"ConfigMap", "Role"},
    {"CustomResourceDefinition"},
]


def live(api: str, kind: str) -> Manifest:
    metadata = {"name": "x", "namespace": "n", "labels": {"app.kubernetes.io/component": "core"}}
    return {"apiVersion": api, "kind": kind, "metadata": metadata}


def test_jobs_go_while_their_operator_is_there() -> None:
    lives = [
        live("v1", "ConfigMap"),
        live("apiextensions.k8s.io/v1", "CustomResourceDefinition"),
        live("apps/v1", "Deployment"),  # an operator: it comes with a CRD
        live(WEBHOOKS, "ValidatingWebhookConfiguration"),
        live("kubeflow.org/v1", "TFJob"),
        live("v1", "Service"),
        live("rbac.authorization.k8s.io/v1", "Role"),
        live("apps/v1", "StatefulSet"),
    ]
    steps = in_reverse({key_of(one): one for one in lives})
    assert [{key.kind for key in step} for step in steps] == ORDER
