"""Objects that kubectl (client side) or Helm applied become ours without losing a field, on a real API server."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.apply import PlanBlockedError
from mlstack.cluster import objects
from mlstack.cluster.client import Client

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

FORMER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {team: red}, annotations: {note: keep}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "nginx:1.27", env: [{name: A, value: "1"}, {name: B, value: "2"}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, size: "3"}
"""
OURS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "nginx:1.27", env: [{name: A, value: "1"}]}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: green, more: "yes"}
"""


def get(kubectl: Kubectl, what: str, namespace: str) -> dict[str, Any]:
    words = ("get", what, "-n", namespace, "-o", "json", "--show-managed-fields")
    found: dict[str, Any] = json.loads(kubectl(*words, context="gke"))
    return found


def owned_by(live: dict[str, Any], manager: str) -> dict[str, Any]:
    entries = live["metadata"]["managedFields"]
    return next((entry["fieldsV1"] for entry in entries if entry["manager"] == manager), {})


def former(kubectl: Kubectl, namespace: str) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("apply", "-n", namespace, "-f", "-", context="gke", stdin=FORMER)


def test_what_kubectl_applied_is_adopted_without_losing_a_field(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    former(kubectl, namespace)
    stack.write("web", OURS)
    with pytest.raises(PlanBlockedError, match=r"it belongs to kubectl \(client-side apply\)\. --adopt"):
        stack.apply()
    outcome = stack.apply(wait="none", adopt=True, disruption=True)
    assert {str(change.action) for change in outcome.plan.changes} == {"adopt"}
    said = [text for text in outcome.plan.notices if text.startswith("ConfigMap/settings: ")]
    assert said == [
        "ConfigMap/settings: adopted from kubectl (client-side apply); dropped: annotation "
        "kubectl.kubernetes.io/last-applied-configuration; kept as they are: data.size."
    ]
    (more,) = (text for text in outcome.plan.notices if text.startswith("Deployment/web: "))
    assert more.endswith(
        "kept as they are: metadata.annotations.note, metadata.labels.team, spec.template.spec.containers[web].env[B]."
    )
    settings, web = get(kubectl, "configmap/settings", namespace), get(kubectl, "deployment/web", namespace)
    assert settings["data"] == {"color": "green", "size": "3", "more": "yes"}
    assert owned_by(settings, "kubectl-client-side-apply") == {}
    assert web["metadata"]["labels"]["team"] == "red"
    assert web["metadata"]["annotations"]["note"] == "keep"
    for live in (settings, web):
        assert "kubectl.kubernetes.io/last-applied-configuration" not in live["metadata"].get("annotations", {})
    names = [one["name"] for one in web["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert names == ["A", "B"]

    assert stack.counts(wait="none") == {"unchanged": 2}
    assert stack.writes() == {}
    stack.write("web", OURS.replace("color: green", "size: '4'"))  # what belongs to nobody is no conflict
    assert stack.counts(wait="none") == {"unchanged": 1, "change": 1}
    assert get(kubectl, "configmap/settings", namespace)["data"] == {"size": "4", "more": "yes"}  # color was ours alone


class KilledError(Exception):
    """Stands for SIGKILL."""


def test_killed_between_handover_and_apply_it_goes_on(
    stack: Stack, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    former(kubectl, namespace)
    stack.write("web", OURS)
    real = objects.apply

    def killed(client: Client, *rest: Any, dry_run: bool = False, **options: Any) -> Any:
        if not dry_run:
            raise KilledError
        return real(client, *rest, dry_run=dry_run, **options)

    with monkeypatch.context() as patch:
        patch.setattr(objects, "apply", killed)
        with pytest.raises(KilledError):
            stack.apply(wait="none", adopt=True, disruption=True)
    assert stack.counts(disruption=True, adopt=True, wait="none").keys() <= {"adopt", "change"}
    assert get(kubectl, "configmap/settings", namespace)["data"] == {"color": "green", "size": "3", "more": "yes"}
    assert stack.counts(wait="none") == {"unchanged": 2}
    assert stack.writes() == {}


def test_an_object_that_moves_meanwhile_is_read_again(
    stack: Stack, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    former(kubectl, namespace)
    stack.write("web", OURS.partition("---")[2])
    real = objects.patch
    moved: list[str] = []

    def late(*rest: Any, **options: Any) -> Any:
        if not moved:
            moved.append(kubectl("annotate", "configmap/settings", "late=yes", "-n", namespace, context="gke"))
        return real(*rest, **options)

    monkeypatch.setattr(objects, "patch", late)
    assert stack.counts(adopt=True, wait="none") == {"adopt": 1}
    live = get(kubectl, "configmap/settings", namespace)
    assert live["metadata"]["annotations"] == {"late": "yes", "mlstack.dev/applied-by": "app/gke"}
    assert live["data"] == {"color": "green", "size": "3", "more": "yes"}
    assert owned_by(live, "kubectl-client-side-apply") == {}
    assert stack.counts(wait="none") == {"unchanged": 1}


RELEASED = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {app.kubernetes.io/managed-by: Helm, app.kubernetes.io/instance: web, helm.sh/chart: web-1.0.0}
  annotations: {meta.helm.sh/release-name: web, meta.helm.sh/release-namespace: NAMESPACE}
data: {color: blue, size: "3"}
"""


@pytest.mark.parametrize("server_side", [True, False], ids=["helm 4", "helm 3"])
def test_what_helm_applied_is_adopted(stack: Stack, namespace: str, kubectl: Kubectl, server_side: bool) -> None:
    """As Helm 4 (server-side apply) and Helm 3 (create) leave it, by manager, labels and annotations."""
    kubectl("create", "namespace", namespace, context="gke")
    verb = ("apply", "--server-side") if server_side else ("create",)
    text = RELEASED.replace("NAMESPACE", namespace)
    kubectl(*verb, "--field-manager=helm", "-n", namespace, "-f", "-", context="gke", stdin=text)
    before = get(kubectl, "configmap/settings", namespace)
    stack.write("web", OURS.partition("---")[2])
    with pytest.raises(PlanBlockedError, match=f"it belongs to Helm release {namespace}/web"):
        stack.apply()
    assert get(kubectl, "configmap/settings", namespace) == before

    outcome = stack.apply(wait="none", adopt=True)
    (said,) = outcome.plan.notices
    assert f"adopted from Helm release {namespace}/web; dropped: annotation meta.helm.sh/release-name" in said
    assert "data.size, metadata.labels[helm.sh/chart]" in said
    live = get(kubectl, "configmap/settings", namespace)
    assert live["data"] == {"color": "green", "size": "3", "more": "yes"}
    assert live["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "mlstack"
    assert live["metadata"]["labels"]["helm.sh/chart"] == "web-1.0.0"
    assert live["metadata"]["annotations"] == {"mlstack.dev/applied-by": "app/gke"}
    assert stack.counts(wait="none") == {"unchanged": 1}
    assert stack.writes() == {}
