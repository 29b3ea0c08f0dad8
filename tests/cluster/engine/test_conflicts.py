"""Fields that others own too: told one by one, taken or left as the app's rules say, on a real API server."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.apply import PlanBlockedError
from mlstack.plan.model import Action

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

SETTINGS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, annotations: {example.com/owner: us}}
data: {color: blue, size: "3"}
---
apiVersion: v1
kind: Secret
metadata: {name: key, annotations: {mlstack.dev/generate: '{"token": "hex:32"}'}}
"""


def taken_by_ann(kubectl: Kubectl, namespace: str, kind: str, name: str, **body: Any) -> None:
    """Somebody else applies fields of an object of ours, by force."""
    annotations = body.pop("annotations", {})
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    text = json.dumps({"apiVersion": "v1", "kind": kind, "metadata": metadata, **body})
    options = ("--server-side", "--force-conflicts", "--field-manager=ann")
    kubectl("apply", *options, "-f", "-", context="gke", stdin=text)


def data(kubectl: Kubectl, namespace: str, what: str = "configmap/settings") -> dict[str, str]:
    found: dict[str, str] = json.loads(kubectl("get", what, "-n", namespace, "-o", "json", context="gke"))["data"]
    return found


def with_rules(stack: Stack, *rules: str) -> None:
    """Rules of the app, a flow mapping each."""
    path = stack.root / "mlstack.yaml"
    before = path.read_text().partition("conflicts:")[0]
    path.write_text(before + "conflicts:\n" + "".join(f"  - {{{rule}}}\n" for rule in rules))


def test_each_field_is_told_with_both_values(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", SETTINGS)
    stack.apply(wait="none")
    annotations = {"example.com/owner": "ann"}
    taken_by_ann(kubectl, namespace, "ConfigMap", "settings", data={"color": "red"}, annotations=annotations)
    secret = base64.b64encode(b"hers").decode()
    taken_by_ann(kubectl, namespace, "Secret", "key", data={"token": secret})
    stack.write("web", SETTINGS.replace('size: "3"', 'size: "4"'))
    with pytest.raises(PlanBlockedError) as caught:
        stack.apply()
    said = str(caught.value)
    assert "data.color is red by ann, here blue" in said
    assert "metadata.annotations[example.com/owner] is ann by ann, here us" in said
    assert data(kubectl, namespace)["size"] == "3"
    assert secret not in said
    assert data(kubectl, namespace, "secret/key")["token"] == secret  # what is generated is kept once it is there


def test_a_secrets_values_are_not_shown(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", SETTINGS)
    stack.apply(wait="none")
    ours = data(kubectl, namespace, "secret/key")["token"]
    stack.write("web", SETTINGS.replace("example.com/owner: us", "example.com/owner: me"))
    annotations = {"mlstack.dev/generate": '{"token": "hex:8"}'}
    taken_by_ann(kubectl, namespace, "Secret", "key", annotations=annotations)
    with pytest.raises(PlanBlockedError, match=r"annotations\[mlstack\.dev/generate\]") as caught:
        stack.apply()
    assert ours not in str(caught.value)


def test_rules_leave_one_field_and_take_another(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", SETTINGS)
    stack.apply(wait="none")
    taken_by_ann(kubectl, namespace, "ConfigMap", "settings", data={"color": "red", "size": "9"})
    with_rules(stack, "path: data.color, kind: ConfigMap, rule: leave")
    with pytest.raises(PlanBlockedError, match=r"data\.size is 9 by ann, here 3") as caught:
        stack.apply()
    assert "data.color" not in str(caught.value)

    with_rules(stack, "path: data.color, kind: ConfigMap, rule: leave", "path: data.size, rule: take")
    outcome = stack.apply(wait="none")
    assert outcome.plan.notices == (
        "Left as conflicts in mlstack.yaml says: ConfigMap/settings data.color (red by ann, here blue).",
        "Taken as conflicts in mlstack.yaml says: ConfigMap/settings data.size.",
    )
    assert data(kubectl, namespace) == {"color": "red", "size": "3"}
    assert stack.counts(wait="none") == {"unchanged": 2}
    assert stack.writes() == {}

    with_rules(stack, "path: data, rule: take")
    assert stack.counts(wait="none") == {"change": 1, "unchanged": 1}
    assert data(kubectl, namespace)["color"] == "blue"


HPA = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
"""


def replicas(kubectl: Kubectl, namespace: str) -> int:
    found = json.loads(kubectl("get", "deployment/web", "-n", namespace, "-o", "json", context="gke"))
    return int(found["spec"]["replicas"])


def test_what_an_autoscaler_of_ours_scales_is_no_change(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", HPA)
    stack.apply(wait="none")
    kubectl("scale", "deployment/web", "--replicas=4", "-n", namespace, context="gke")  # as the HPA does, by /scale
    assert stack.counts(wait="none") == {"unchanged": 2}
    assert stack.writes() == {}
    assert replicas(kubectl, namespace) == 4


def test_a_rule_takes_the_size_back(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", HPA.partition("---")[0])
    stack.apply(wait="none")
    kubectl("scale", "deployment/web", "--replicas=4", "-n", namespace, context="gke")
    assert stack.counts(wait="none") == {"unchanged": 1}
    with_rules(stack, "path: spec.replicas, kind: Deployment, rule: take")
    assert stack.counts(wait="none") == {"change": 1}
    assert replicas(kubectl, namespace) == 2
    assert stack.counts(wait="none") == {"unchanged": 1}
    assert stack.writes() == {}


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAMESPACE}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [configmaps]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: 'Object{metadata: Object.metadata{annotations: {"example.com/owner": "policy"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAMESPACE}
spec: {policyName: NAMESPACE}
"""


def test_a_policy_that_overrules_a_value_of_ours_is_no_change(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    policy = POLICY.replace("NAMESPACE", namespace)
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("apply", "-f", "-", context="gke", stdin=policy)
    try:
        probe = ("create", "configmap", "probe", "-n", namespace, "--dry-run=server", "-o", "yaml")
        for _ in range(60):  # the API server takes a second or two until it obeys a new policy
            if "example.com/owner: policy" in kubectl(*probe, context="gke"):
                break
            time.sleep(0.25)
        stack.write("web", SETTINGS)
        stack.apply(wait="none")
        live = kubectl("get", "configmap/settings", "-n", namespace, "-o", "json", context="gke")
        assert json.loads(live)["metadata"]["annotations"]["example.com/owner"] == "policy"
        for _ in range(2):
            outcome = stack.apply(wait="none")
            assert set(outcome.plan.counts) == {Action.UNCHANGED}
            assert set(stack.writes()) <= {"PATCH configmaps"}  # asked by a dry-run, and nothing written
        now = kubectl("get", "configmap/settings", "-n", namespace, "-o", "json", context="gke")
        assert json.loads(now)["metadata"]["resourceVersion"] == json.loads(live)["metadata"]["resourceVersion"]
    finally:
        kubectl("delete", "-f", "-", context="gke", stdin=policy)
