"""What the cluster refuses: each failure with field and parameter, beside the others' success; webhooks waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.actions import sending
from mlstack.actions.apply import ApplyFailedError, PlanBlockedError
from mlstack.actions.generate import generate
from mlstack.actions.packages import install_package
from mlstack.actions.registries import add_registry
from mlstack.app.project import Project
from tests.cluster.engine.manifests import deployment, together
from tests.cluster.registry import team_registry

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]
BAD = """
apiVersion: v1
kind: ConfigMap
metadata: {name: good}
---
apiVersion: v1
kind: Service
metadata: {name: bad}
spec: {selector: {app: x}, ports: [{port: 99999}]}
---
apiVersion: v1
kind: Service
metadata: {name: worse}
spec: {selector: {app: x}, ports: [{port: 80, protocol: SMOKE}]}
---
apiVersion: v1
kind: Service
metadata: {name: fine}
spec: {selector: {app: x}, ports: [{port: 80}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: late}
spec:
  selector: {matchLabels: {app: late}}
  template: {metadata: {labels: {app: late}}, spec: {containers: [{name: late, image: late}]}}
"""

SERVICE = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {a: b}, ports: [{port: 80}]}\n"


def names(kubectl: Kubectl, namespace: str) -> list[str]:
    kinds = "configmaps,services,deployments"
    return kubectl("get", kinds, "-n", namespace, "-o", "name", context="gke").split()


def test_each_failure_is_told_with_its_field_and_the_others_are_applied(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    stack.write("web", BAD)
    with pytest.raises(ApplyFailedError) as caught:
        stack.apply(wait="none")
    told = str(caught.value)
    assert [str(failure.key) for failure in caught.value.failures] == ["Service/bad", "Service/worse"]
    assert "spec.ports[0].port: Invalid value" in told
    assert "spec.ports[0].protocol: Unsupported value" in told
    assert "Not sent, as it needs what failed: Deployment/late." in told
    there = names(kubectl, namespace)
    assert {"configmap/good", "service/fine"} <= set(there)
    assert "deployment.apps/late" not in there

    stack.write("web", BAD.replace("99999", "443").replace("SMOKE", "TCP"))
    stack.apply(wait="none")
    assert stack.apply(wait="none").plan.writes == ()


CUSTOM = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.NAMESPACE.example}
spec:
  group: NAMESPACE.example
  names: {kind: KIND, plural: PLURAL}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, SCHEMA}}
"""
RESOURCE = """
apiVersion: NAMESPACE.example/v1
kind: KIND
metadata: {name: x}
"""
OPEN = "x-kubernetes-preserve-unknown-fields: true"


def test_later_stages_go_on_where_they_do_not_need_what_failed(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    """Per stage something fails: a namespace, a CRD, a Service. What needs none of them is there in the end."""

    def filled(text: str, kind: str, schema: str = OPEN) -> str:
        words = {"NAMESPACE": namespace, "PLURAL": f"{kind.lower()}s", "KIND": kind, "SCHEMA": schema}
        for word, instead in words.items():
            text = text.replace(word, instead)
        return text

    stack.write("old", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n")
    stack.apply(wait="none")
    stack.drop("old")
    stack.write("bad", BAD)
    stack.write("kinds", filled(CUSTOM, "Good"), "good.yaml")
    stack.write("refused", filled(CUSTOM, "Bad", "properties: {a: {type: none}}"), "bad.yaml")
    stack.write("good", filled(RESOURCE, "Good"))
    stack.write("needs", filled(RESOURCE, "Bad"))
    stack.write("apart", "apiVersion: v1\nkind: Namespace\nmetadata: {name: No_Name}\n", "namespace.yaml")
    stack.write("inside", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: lost, namespace: No_Name}\n")
    stack.write("web", together(SERVICE, deployment()))
    try:
        with pytest.raises(ApplyFailedError) as caught:
            stack.apply(wait="none")
        failed = {str(failure.key) for failure in caught.value.failures}
        crd = f"CustomResourceDefinition/bads.{namespace}.example"
        assert failed == {"Namespace/No_Name", crd, "Service/bad", "Service/worse"}
        lines = caught.value.message.splitlines()
        assert lines[-2:] == [
            "  Not sent, as it needs what failed: ConfigMap/lost, Deployment/late, Bad/x.",
            "  Not pruned, as something failed: ConfigMap/old.",
        ]
        there = names(kubectl, namespace)
        assert {"configmap/old", "configmap/good", "service/fine", "service/web", "deployment.apps/web"} <= set(there)
        assert "deployment.apps/late" not in there
        assert kubectl("get", f"goods.{namespace}.example", "-n", namespace, "-o", "name", context="gke").split()
    finally:
        kubectl("delete", "crd", f"goods.{namespace}.example", "--ignore-not-found", "--wait=false", context="gke")


def test_the_parameter_behind_it_is_told_with_its_place(stack: Stack, tmp_path: Path) -> None:
    """On a first apply as a failure, and on a later one as a plan that is refused."""
    add_registry(Project.load(stack.root), "team", str(team_registry(tmp_path / "registry")))
    install_package(Project.load(stack.root), "team/apps")
    generate(Project.load(stack.root), "team/apps/server", "model", {"service_account": "No Name"})
    place = r"It comes from service_account = No Name, at components/model\.yaml:\d+"
    with pytest.raises(ApplyFailedError, match=place) as caught:
        stack.apply(wait="none", preflight=False)
    assert "spec.template.spec.serviceAccountName: Invalid value" in str(caught.value)

    component = stack.root / "components" / "model.yaml"
    component.write_text(component.read_text().replace("No Name", "default"))
    stack.apply(wait="none")
    component.write_text(component.read_text().replace("default", "No Name"))
    with pytest.raises(PlanBlockedError, match=place):
        stack.apply(wait="none")


WEBHOOK = """
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: NAMESPACE}
webhooks:
  - name: a.example.com
    admissionReviewVersions: [v1]
    sideEffects: None
    timeoutSeconds: 1
    clientConfig: {url: "https://127.0.0.1:9/"}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    rules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [services], scope: "*"}]
"""


def test_a_webhook_that_does_not_answer_yet_is_waited_for_with_a_limit(
    stack: Stack, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "WEBHOOK_SECONDS", 5.0)
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("apply", "-f", "-", context="gke", stdin=WEBHOOK.replace("NAMESPACE", namespace))
    try:
        probe = ("create", "service", "clusterip", "probe", "--tcp=80", "-n", namespace, "--dry-run=server")
        for _ in range(60):  # the API server takes a second until it obeys
            if "failed calling webhook" in kubectl(*probe, context="gke", check=False):
                break
            time.sleep(0.1)
        stack.write("web", SERVICE)
        with pytest.raises(ApplyFailedError, match="failed calling webhook"):
            stack.apply(wait="none")
        assert stack.sent()["PATCH services"] >= 2

        monkeypatch.setattr(sending, "WEBHOOK_SECONDS", 120.0)
        before = len(stack.clients)

        def mend() -> None:
            while len(stack.clients) == before or not stack.sent()["PATCH services"]:
                time.sleep(0.05)
            kubectl("delete", "validatingwebhookconfiguration", namespace, context="gke")

        mended = threading.Thread(target=mend, daemon=True)
        mended.start()
        stack.apply(wait="none")
        mended.join()
        assert stack.sent()["PATCH services"] >= 2
        assert "service/web" in names(kubectl, namespace)
    finally:
        kubectl("delete", "validatingwebhookconfiguration", namespace, "--ignore-not-found", context="gke")
