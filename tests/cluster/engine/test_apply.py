"""Apply on a real API server: created, unchanged without a write, changed, pruned, and never what is not ours."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.apply import ApplyFailedError, PlanBlockedError
from mlstack.actions.connection import WrongClusterError
from mlstack.actions.environments import pin_environment
from mlstack.actions.events import NothingToDo
from mlstack.actions.preflight import PreflightError
from mlstack.app.project import Project
from mlstack.cluster.failures import ForbiddenError, UnservedError
from mlstack.errors import NotReadyError, WorkloadFailedError
from tests.cluster.engine.manifests import definition, job, thing, together

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import NewStack, Stack

Kubectl = Callable[..., str]

WEB = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue, size: "3"}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
        - name: web
          image: nginx:1.27
          ports: [{containerPort: 8080}]
          env: [{name: A, value: "1"}, {name: B, value: "2"}]
          resources: {requests: {cpu: 1000m, memory: 0.5Gi}}
"""


def test_created_then_unchanged_without_a_write(stack: Stack, namespace: str) -> None:
    stack.write("web", WEB)
    assert stack.counts() == {"create": 4}  # the namespace is one of them
    first = dict(stack.sent())
    assert first["PATCH services"] == first["PATCH deployments"] == 1
    assert first["PATCH configmaps"] == 2  # the object, and in the receipt what became of it
    assert first["POST configmaps"] == 2  # the inventory and the receipt
    assert first["PUT configmaps"] == 1  # the inventory afterwards
    kinds = 3
    assert sum(first.values()) <= 4 + 2 * kinds + 10  # objects, LIST and WATCH a kind, a handful (decisions.md, 16)
    assert first["LIST configmaps"] == first["LIST services"] == first["LIST deployments"] == 1
    assert stack.live("deployment/web")["status"]["readyReplicas"] == 2

    assert stack.counts() == {"unchanged": 3}
    assert stack.writes() == {}
    assert sum(stack.sent().values()) == 5  # identity, inventory, one LIST for each of three kinds
    assert [type(event) for event in stack.events][-1] is NothingToDo


def test_empty_values_are_asked_about_once(stack: Stack) -> None:
    stack.write("web", WEB)
    stack.apply()
    empty = WEB.replace("          ports:", "          args: []\n          workingDir: null\n          ports:")
    stack.write("web", empty.replace("{selector: {app: web}", "{internalTrafficPolicy: null, selector: {app: web}"))
    asked = []
    for _ in range(4):  # the Deployment's controller may still write
        assert stack.counts() == {"unchanged": 3}
        asked.append(stack.writes())
        if not asked[-1]:
            break
    assert asked[-1] == {}
    assert {"PATCH deployments", "PATCH services"} <= asked[0].keys()
    assert sum(stack.sent().values()) == 5


def test_one_change_writes_one_object(stack: Stack) -> None:
    stack.write("web", WEB)
    stack.apply(wait="none")
    stack.write("web", WEB.replace("color: blue, ", ""))
    outcome = stack.apply()
    (change,) = outcome.plan.writes
    assert [(str(field.path), field.before) for field in change.fields] == [("data.color", "blue")]
    assert stack.live("configmap/settings")["data"] == {"size": "3"}
    lease_and_receipt = {"POST leases": 1, "DELETE leases": 1, "POST configmaps": 1}
    # A dry-run and the write, what became of the former revision and of this one; the inventory twice.
    assert stack.writes() == {"PATCH configmaps": 4, "PUT configmaps": 2, **lease_and_receipt}


def test_an_item_taken_out_of_a_list_goes(stack: Stack) -> None:
    stack.write("web", WEB)
    stack.apply()
    stack.write("web", WEB.replace('{name: A, value: "1"}, ', ""))
    stack.apply(disruption=True)
    container = stack.live("deployment/web")["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "B", "value": "2"}]
    assert stack.counts() == {"unchanged": 3}


def test_a_restart_of_running_pods_is_asked_for(stack: Stack) -> None:
    stack.write("web", WEB)
    stack.apply()
    stack.write("web", WEB.replace("nginx:1.27", "nginx:1.28"))
    with pytest.raises(PlanBlockedError, match="restarts web"):
        stack.apply()
    template = stack.live("deployment/web")["spec"]["template"]
    assert template["spec"]["containers"][0]["image"] == "nginx:1.27"


def test_pruned_only_within_the_chosen_component(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", WEB)
    stack.write("other", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n")
    stack.apply(wait="none")
    stack.drop("other")
    assert stack.counts("web", wait="none") == {"unchanged": 3}
    assert stack.counts(wait="none") == {"unchanged": 3, "prune": 1}
    left = kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke")
    assert "configmap/other" not in left
    assert "configmap/settings" in left


def test_claims_are_kept_unless_named(stack: Stack) -> None:
    claim = (
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\n"
        "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n"
    )
    stack.write("web", WEB)
    stack.write("data", claim)
    stack.apply(wait="none")
    stack.drop("data")
    assert stack.counts(wait="none") == {"unchanged": 3, "keep": 1}
    assert stack.writes() == {}
    assert stack.counts(wait="none", include=frozenset({"pvc"})) == {"unchanged": 3, "prune": 1}


def test_an_empty_render_never_prunes_everything(stack: Stack) -> None:
    stack.write("web", WEB)
    stack.apply(wait="none")
    stack.drop("web")
    with pytest.raises(Exception, match="Nothing renders"):
        stack.apply()
    assert stack.live("configmap/settings")["data"]


def test_a_foreign_object_is_left_and_adopted_on_demand(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    foreign = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: {namespace}}}\ndata: {{x: '1'}}"
    kubectl("apply", "-f", "-", context="gke", stdin=foreign)
    before = stack.live("configmap/settings")
    stack.write("web", WEB)
    with pytest.raises(PlanBlockedError, match=r"settings: exists, not ours: it belongs to kubectl"):
        stack.apply()
    assert stack.live("configmap/settings") == before
    assert "No resources" in kubectl("get", "deployments", "-n", namespace, context="gke", check=False)

    assert stack.counts(adopt=True, wait="none") == {"adopt": 1, "create": 2}
    assert stack.live("configmap/settings")["data"] == {"x": "1", "color": "blue", "size": "3"}
    assert stack.counts(wait="none") == {"unchanged": 3}


def test_two_apps_do_not_see_each_others_objects(new_stack: NewStack) -> None:
    one, two = new_stack("one"), new_stack("two")
    one.write("web", WEB)
    one.apply(wait="none")
    two.write("web", WEB)
    with pytest.raises(PlanBlockedError, match="it belongs to mlstack app one"):
        two.apply()
    two.write("web", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: two}\n")
    two.apply(wait="none")
    two.write("web", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: three}\n")
    assert two.counts(wait="none") == {"create": 1, "prune": 1}
    assert one.counts(wait="none") == {"unchanged": 3}


def test_conflicts_are_told_field_by_field(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", WEB)
    stack.apply(wait="none")
    taken = (
        f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: {namespace}}}\ndata: {{color: red}}"
    )
    kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=ann", "-f", "-", context="gke", stdin=taken)
    with pytest.raises(PlanBlockedError, match=r"data\.color is red by ann, here blue"):
        stack.apply()
    stack.apply(force_conflicts=True, wait="none")
    assert stack.live("configmap/settings")["data"]["color"] == "blue"


def test_a_scaled_deployment_is_left_at_its_size(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", WEB)
    stack.apply(wait="none")
    kubectl("scale", "deployment/web", "--replicas=3", "-n", namespace, context="gke")
    assert stack.counts(wait="none") == {"unchanged": 3}
    assert stack.writes() == {}
    assert stack.live("deployment/web")["spec"]["replicas"] == 3


SCHEMA = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {"size": {"type": "integer"}, "mode": {"type": "string", "default": "auto"}},
        }
    },
}


def test_a_crd_and_its_object_in_one_apply(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    group = f"{namespace}.example.com"
    stack.write("things", together(definition(group, SCHEMA), thing(group)))
    try:
        assert stack.counts() == {"create": 3}
        assert stack.counts() == {"unchanged": 2}
        assert stack.writes() == {}
        stack.write("things", together(definition(group, SCHEMA), thing(group, size=4)))
        assert stack.counts() == {"unchanged": 1, "change": 1}
    finally:
        kubectl("delete", "crd", f"things.{group}", "--ignore-not-found", context="gke")


def test_a_job_is_run_once(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("train", job("sim/run-for: 1s"))
    assert stack.counts(wait="finished") == {"create": 1, "new run": 1}  # and its namespace
    uid = stack.live("job/train")["metadata"]["uid"]
    assert stack.counts() == {"done": 1}
    assert stack.writes() == {}

    kubectl("delete", "job/train", "-n", namespace, context="gke")  # as its TTL would
    assert stack.counts() == {"done": 1}
    assert stack.writes() == {}
    assert "NotFound" in kubectl("get", "job/train", "-n", namespace, context="gke", check=False)

    stack.write("train", job("sim/run-for: 1s", "2"))
    assert stack.counts(wait="finished") == {"new run": 1}
    assert stack.live("job/train")["metadata"]["uid"] != uid


def test_a_running_job_is_replaced_only_when_allowed(stack: Stack) -> None:
    stack.write("train", job("sim/mode: forever"))
    stack.apply()
    uid = stack.live("job/train")["metadata"]["uid"]
    stack.write("train", job("sim/mode: forever", "2"))
    assert stack.counts() == {"held": 1}
    assert stack.live("job/train")["metadata"]["uid"] == uid
    stack.apply(disruption=True)
    assert stack.live("job/train")["metadata"]["uid"] != uid


def test_a_failed_job_ends_the_wait(stack: Stack) -> None:
    stack.write("train", job("sim/mode: fail"))
    with pytest.raises(WorkloadFailedError, match="Job/train failed"):
        stack.apply(wait="finished")


def test_what_cannot_be_scheduled_is_told_with_its_reason(stack: Stack) -> None:
    stack.write("web", WEB.replace("requests: {cpu: 1000m, memory: 0.5Gi}", "limits: {nvidia.com/gpu: 99}"))
    with pytest.raises(NotReadyError, match=r"fewer than 99 GPUs free"):
        stack.apply(timeout_s=4)


def test_one_failure_does_not_hide_the_others(stack: Stack) -> None:
    stack.write("web", WEB)
    stack.write("bad", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\nspec: {wrong: 1}\n")
    with pytest.raises(ApplyFailedError, match="ConfigMap/bad") as caught:
        stack.apply()
    assert [str(failure.key) for failure in caught.value.failures] == ["ConfigMap/bad"]
    assert stack.live("configmap/settings")["data"]
    stack.drop("bad")
    stack.apply(wait="none")
    assert stack.counts(wait="none") == {"unchanged": 3}


def test_a_dry_run_keeps_nothing(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    stack.write("web", WEB)
    stack.apply(dry_run=True)
    assert stack.writes() == {"PATCH configmaps": 1, "PATCH services": 1, "PATCH deployments": 1}
    assert "No resources" in kubectl("get", "deployments,services", "-n", namespace, context="gke", check=False)
    stack.write("web", WEB.replace("nginx:1.27", "does-not-exist:1"))
    stack.apply(wait="none")
    assert not stack.apply(dry_run=True, timeout_s=0).waited  # nothing to write, and a rehearsal waits for nothing


SECRET = """
apiVersion: v1
kind: Secret
metadata: {name: made, annotations: {mlstack.dev/generate: '{"token": "hex:32", "password": "password:20"}'}}
"""


def test_generated_secrets_are_made_once_and_never_shown(stack: Stack) -> None:
    stack.write("made", SECRET)
    stack.apply()
    made = stack.live("secret/made")["data"]
    assert {name: len(value) > 20 for name, value in made.items()} == {"token": True, "password": True}
    assert stack.counts() == {"unchanged": 1}
    assert stack.writes() == {}
    stack.write("made", SECRET.replace('"hex:32"', '"hex:32", "third": "hex:8"'))
    outcome = stack.apply()
    after = stack.live("secret/made")["data"]
    assert {name: after[name] for name in made} == made
    assert "third" in after
    shown = repr([change.fields for change in outcome.plan.changes])
    assert not any(value in shown for value in after.values())


def test_another_cluster_is_refused_before_any_write(stack: Stack) -> None:
    stack.write("web", WEB)
    pin_environment(Project.load(stack.root), "gke", "00000000-0000-0000-0000-000000000000", "https://127.0.0.1:1")
    with pytest.raises(WrongClusterError, match=r"00000000-.*mlstack env pin gke"):
        stack.apply()
    assert stack.writes() == {}
    assert dict(stack.sent()) == {"GET namespaces": 1, "GET configmaps": 1}  # read at the same time


def test_two_environments_do_not_touch_each_other(
    stack: Stack, minikube: Sandbox, namespace: str, kubectl: Kubectl
) -> None:
    stack.environment("minikube", "minikube", namespace)
    stack.write("web", WEB)
    stack.apply(environment="minikube", wait="none")
    assert "NotFound" in kubectl("get", "namespace", namespace, context="gke", check=False)
    stack.apply(wait="none")
    kubectl("delete", "namespace", namespace, "--wait=false", context="minikube")


def restricted(kubectl: Kubectl, namespace: str, kubeconfig: Path) -> None:
    """A context `reader` whose user may read the namespace and nothing more."""
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "serviceaccount", "reader", "-n", namespace, context="gke")
    kubectl(
        "create", "rolebinding", "reader", "--clusterrole=view", f"--serviceaccount={namespace}:reader",
        "-n", namespace, context="gke",
    )  # fmt: skip
    token = kubectl("create", "token", "reader", "-n", namespace, context="gke").strip()
    kubectl("config", "set-credentials", "reader", f"--token={token}")
    cluster = kubectl("config", "view", "-o", 'jsonpath={.contexts[?(@.name=="gke")].context.cluster}')
    kubectl("config", "set-context", "reader", f"--cluster={cluster}", "--user=reader")


def test_a_user_who_may_not_is_told_in_a_sentence(
    stack: Stack, namespace: str, kubectl: Kubectl, kubeconfig: Path
) -> None:
    restricted(kubectl, namespace, kubeconfig)
    stack.environment("limited", "reader", namespace)
    stack.write("web", WEB)
    with pytest.raises(PreflightError, match=f"{namespace}:reader' of context 'reader' may not do all that") as seen:
        stack.apply(environment="limited")
    assert f"in namespace {namespace}: create, patch deployments.apps, services" in seen.value.message
    assert f"in namespace {namespace}: create, update, patch configmaps" in seen.value.message
    with pytest.raises(ForbiddenError, match=f"{namespace}:reader' of context 'reader' may not create configmaps"):
        stack.apply(environment="limited", preflight=False)
    assert "No resources" in kubectl("get", "deployments", "-n", namespace, context="gke", check=False)


def until_in_force(kubectl: Kubectl, namespace: str) -> None:
    """The API server takes a second or two until it obeys a new policy."""
    probe = ("create", "deployment", "probe", "--image=x", "-n", namespace, "--dry-run=server", "-o", "yaml")
    for _ in range(60):
        if 'added: "yes"' in kubectl(*probe, context="gke"):
            return
        time.sleep(0.25)
    raise AssertionError("the policy is not in force")


def test_what_a_policy_adds_is_no_change(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    policy = POLICY.replace("NAMESPACE", namespace)
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("apply", "-f", "-", context="gke", stdin=policy)
    try:
        until_in_force(kubectl, namespace)
        stack.write("web", WEB)
        stack.apply(wait="none")
        assert stack.live("deployment/web")["metadata"]["annotations"]["added"] == "yes"
        assert stack.counts(wait="none") == {"unchanged": 3}
        assert stack.writes() == {}
    finally:
        kubectl("delete", "-f", "-", context="gke", stdin=policy)


POLICY = """
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: NAMESPACE}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: NAMESPACE}}
    resourceRules: [{apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments]}]
  failurePolicy: Fail
  reinvocationPolicy: Never
  mutations:
    - patchType: ApplyConfiguration
      applyConfiguration:
        expression: 'Object{metadata: Object.metadata{annotations: {"added": "yes"}}}'
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: NAMESPACE}
spec: {policyName: NAMESPACE}
"""


HUB = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: hub}
spec:
  serviceName: SERVICE
  selector: {matchLabels: {app: hub}}
  template:
    metadata: {labels: {app: hub}}
    spec: {containers: [{name: hub, image: hub}]}
"""


def test_an_immutable_field_needs_recreate(stack: Stack) -> None:
    stack.write("hub", HUB.replace("SERVICE", "one"))
    stack.apply()
    uid = stack.live("statefulset/hub")["metadata"]["uid"]
    stack.write("hub", HUB.replace("SERVICE", "two"))
    with pytest.raises(PlanBlockedError, match=r"hub: spec\.serviceName cannot be changed in place. --recreate"):
        stack.apply()
    assert stack.live("statefulset/hub")["metadata"]["uid"] == uid
    assert stack.counts(recreate=True) == {"recreate": 1}
    found = stack.live("statefulset/hub")
    assert found["spec"]["serviceName"] == "two"
    assert found["metadata"]["uid"] != uid
    assert stack.counts() == {"unchanged": 1}


def test_an_image_that_is_not_there_is_told(stack: Stack) -> None:
    stack.write("web", WEB.replace("nginx:1.27", "does-not-exist:1"))
    with pytest.raises(NotReadyError, match=r"image does-not-exist:1"):
        stack.apply(timeout_s=8)


def test_a_quota_is_told_and_ends_the_wait(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    kubectl("create", "namespace", namespace, context="gke")
    kubectl("create", "quota", "none", "--hard=pods=0", "-n", namespace, context="gke")
    stack.write("web", WEB)
    with pytest.raises(
        NotReadyError, match=r"Cannot become ready as things stand: .*ResourceQuota/none has 0 of 0 pods left"
    ):
        stack.apply(fail_fast=True)


def test_a_kind_that_is_not_served_is_refused_before_any_write(stack: Stack) -> None:
    stack.write("thing", "apiVersion: a.example.com/v1\nkind: Thing\nmetadata: {name: one}\n")
    with pytest.raises(PreflightError, match=r"the cluster does not serve Thing \(a.example.com/v1\)"):
        stack.apply()
    assert stack.writes() == {}
    with pytest.raises(UnservedError, match="does not serve Thing"):
        stack.apply(preflight=False)


def test_only_ours_is_pruned_when_a_name_was_taken_over(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    """Somebody deleted our object and made another of its name: its label is not ours, and it stays."""
    stack.write("web", WEB)
    stack.write("old", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: old}\n")
    stack.apply(wait="none")
    kubectl("delete", "configmap", "old", "-n", namespace, context="gke")
    kubectl("create", "configmap", "old", "--from-literal=a=b", "-n", namespace, context="gke")
    stack.drop("old")
    assert stack.counts(wait="none") == {"unchanged": 3}
    assert stack.live("configmap/old")["data"] == {"a": "b"}
