"""What would be lost, on a real cluster: counted, named, and deleted only by its word of --include."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.apply import ApplyOptions, PlanBlockedError, apply
from mlstack.actions.connection import connect_environment
from mlstack.actions.delete import Removal, delete
from mlstack.actions.environments import set_environment
from mlstack.actions.events import Planned
from mlstack.actions.history import run_history
from mlstack.actions.outcome import UnconfirmedError
from mlstack.actions.rollback import rollback
from mlstack.actions.runs import run
from mlstack.actions.secret import put_secret, set_secret
from mlstack.actions.session import owner_of
from mlstack.actions.status import status
from mlstack.app.project import Project
from mlstack.errors import MlstackError
from mlstack.plan.model import Action
from tests.cluster.engine.manifests import config, definition, deployment, job, thing, together, workload

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]
SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ntype: TYPE\n"


def blocked(stack: Stack, **allow: Any) -> str:
    with pytest.raises(PlanBlockedError) as refused:
        stack.apply(**allow)
    return str(refused.value)


def test_a_crd_is_recreated_by_its_word_and_its_resources_are_counted(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    group = f"{namespace}.example.com"
    cluster_wide = definition(group).replace('"Namespaced"', '"Cluster"')
    stack.write("things", together(definition(group), thing(group)))
    stack.apply()
    for name in ("b", "c"):
        kubectl("create", "namespace", f"{namespace}-{name}", context="gke")
    for where, name in (("b", "other"), ("b", "more"), ("c", "other")):
        kubectl("apply", "-n", f"{namespace}-{where}", "-f", "-", stdin=thing(group, name), context="gke")
    stack.write("things", together(cluster_wide, thing(group)))
    told = blocked(stack, recreate=True)
    assert "spec.scope cannot be changed in place. --recreate --include crd deletes and creates it, and loses" in told
    assert f"4 custom resources of things.{group} in 3 namespaces, 3 of them not this app's" in told
    assert blocked(stack, include=frozenset({"crd"})) == blocked(stack)
    assert kubectl("get", f"things.{group}", "-A", "-o", "name", context="gke").count("other") == 2

    done = stack.apply(recreate=True, include=frozenset({"crd"}))
    assert stack.live(f"things.{group}/one")["spec"] == {"size": 3}
    assert any("4 custom resources" in text for text in done.plan.notices)
    assert stack.apply().plan.writes == ()
    for name in ("b", "c"):
        kubectl("delete", "namespace", f"{namespace}-{name}", "--wait=false", context="gke")

    with pytest.raises(MlstackError, match="Nothing was changed"):
        delete(stack.scope(), include=frozenset({"crd"}), confirm=lambda removal: False)
    seen: list[Removal] = []
    delete(stack.scope(), include=frozenset({"crd"}), confirm=seen.append)
    (one,) = seen
    assert one.loses == (f"CustomResourceDefinition/things.{group}: deleting it loses 1 custom resource of "
                         f"things.{group}.",)  # fmt: skip


def test_a_secret_with_values_is_recreated_and_removed_by_its_word(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    made = SECRET.replace("db}", 'db, annotations: {mlstack.dev/generate: \'{"cookie": "hex:32"}\'}}')
    stack.write("db", made.replace("TYPE", "Opaque"))
    stack.apply()
    link = connect_environment(Project.load(stack.root), "gke")
    owner = owner_of(Project.load(stack.root), link.environment)
    set_secret(link, owner, "db", "password", b"s3cret")
    stack.write("db", made.replace("TYPE", "example.com/other"))
    told = blocked(stack, recreate=True)
    assert "--recreate --include secret deletes and creates it, and loses 2 values: password (set), cookie" in told
    assert "s3cret" not in told
    assert set(stack.live("secret/db")["data"]) == {"password", "cookie"}

    stack.write("other", config("other"))
    stack.drop("db")
    done = stack.apply()
    assert [(c.action, c.reason) for c in done.plan.changes if c.key.kind == "Secret"] == [
        (Action.KEEP, "kept: --include secret removes it")
    ]
    gone = delete(stack.scope())
    assert [str(key) for key in gone.kept] == ["Secret/db"]
    assert gone.left == ("Kept: Secret/db. To delete: mlstack delete gke --include secret",)
    gone = delete(stack.scope(), include=frozenset({"secret"}))
    assert [str(key) for key in gone.removed] == ["Secret/db"]


def test_a_stateful_set_that_deletes_its_claims(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    template = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    template["spec"]["resources"] = {"requests": {"storage": "1Gi"}}  # type: ignore[index]

    def sets(policy: str, name: str) -> str:
        keep = {"whenDeleted": policy, "whenScaled": "Retain"}
        own: dict[str, Any] = {"serviceName": name, "replicas": 1, "volumeClaimTemplates": [template]}
        return workload("StatefulSet", "db", persistentVolumeClaimRetentionPolicy=keep, **own)

    stack.write("db", sets("Delete", "a"))
    stack.write("more", config("more"))
    stack.apply()
    stack.write("db", sets("Delete", "b"))
    told = blocked(stack, recreate=True)
    assert "--recreate --include statefulset deletes and creates it, and loses the data of 1 Persist" in told
    assert "data-db-0 (1Gi)" in told
    stack.write("db", sets("Retain", "a"))
    stack.apply()
    stack.write("db", sets("Retain", "b"))
    assert "(data in PersistentVolumeClaims stays)" in blocked(stack)
    before = stack.live("persistentvolumeclaim/data-db-0")["metadata"]["uid"]
    stack.apply(recreate=True)
    assert stack.live("persistentvolumeclaim/data-db-0")["metadata"]["uid"] == before
    gone = delete(stack.scope())
    assert gone.left == (
        f"Kept: PersistentVolumeClaim/data-db-0. To delete: kubectl delete pvc -n {namespace} data-db-0",
    )


HPA = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 3
  maxReplicas: 9
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]
"""


def test_an_hpa_takes_a_running_deployment_over_without_a_disruption(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    stack.write("web", deployment(replicas=5))
    stack.apply()
    pods = set(kubectl("get", "pods", "-n", namespace, "-o", "name", context="gke").split())
    assert len(pods) == 5
    stack.write("web", together(deployment(replicas=5), HPA))
    assert stack.counts() == {"create": 1, "unchanged": 1}
    assert stack.apply().plan.writes == ()
    stack.write("web", together(deployment(replicas=5, minReadySeconds=1), HPA))
    assert stack.counts() == {"change": 1, "unchanged": 1}
    live = stack.live("deployment/web")
    assert (live["spec"]["replicas"], live["metadata"]["generation"]) == (5, 2)
    assert set(kubectl("get", "pods", "-n", namespace, "-o", "name", context="gke").split()) == pods

    kubectl("scale", "deployment/web", "--replicas=4", "-n", namespace, context="gke")  # as the HPA does, by /scale
    stack.write("web", together(deployment(replicas=5, minReadySeconds=2), HPA))
    assert stack.counts() == {"change": 1, "unchanged": 1}
    assert stack.live("deployment/web")["spec"]["replicas"] == 4
    owned = json.dumps([e for e in stack.live("deployment/web", "--show-managed-fields")["metadata"]["managedFields"]
                        if e["manager"].startswith("mlstack-")])  # fmt: skip
    assert "f:replicas" not in owned

    changed = deployment(replicas=5).replace('"app": "web"', '"app": "web", "tier": "front"')
    stack.write("web", together(changed, HPA))
    stack.apply(recreate=True, disruption=True)
    assert stack.live("deployment/web")["spec"]["replicas"] == 4


def test_a_size_that_is_left_alone_is_told(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", deployment(replicas=1))
    stack.apply()
    kubectl("scale", "deployment/web", "--replicas=2", "-n", namespace, context="gke")
    stack.write("web", deployment(replicas=0))
    plan = stack.apply().plan
    assert (plan.writes, plan.notices) == ((), ("Deployment/web: replicas left at 2: scaled from outside.",))


def test_a_run_that_cannot_start_is_held_with_its_files(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    def train(argument: str, text: str, color: str) -> None:
        mounted = job("sim/mode: forever", argument) + "      volumes: [{name: s, configMap: {name: script}}]\n"
        stack.write("train", together(mounted, config("script", text=text)))
        stack.write("web", config("web", color=color))

    train("1", "a", "red")
    stack.apply()
    before = stack.live("job/train")["metadata"]["uid"]
    train("2", "b", "blue")
    done = stack.apply()
    assert {str(key): value for key, value in done.plan.counts.items()} == {"held": 2, "change": 1}
    assert done.plan.notices == (
        "Job/train: changed, but its former run has not ended, so the new run is held. Apply again when it has "
        "ended, or stop it with --allow-disruption.",
    )
    assert stack.live("configmap/web")["data"] == {"color": "blue"}
    assert stack.live("configmap/script")["data"] == {"text": "a"}
    assert stack.live("job/train")["metadata"]["uid"] == before
    again = stack.apply()
    assert (again.plan.writes, again.plan.count(Action.HELD)) == ((), 2)
    assert stack.writes() == {"PATCH configmaps": 1}  # the dry-run of the changed file
    stack.apply(disruption=True)
    assert stack.live("job/train")["metadata"]["uid"] != before
    assert stack.live("configmap/script")["data"] == {"text": "b"}
    assert stack.apply().plan.writes == ()


def suspended(text: str) -> str:
    return text.replace("spec:\n  backoffLimit", "spec:\n  suspend: true\n  backoffLimit")


def active(kubectl: Kubectl, namespace: str) -> str:
    path = "{.spec.suspend} {.status.active}"
    return kubectl("get", "job/train", "-n", namespace, "-o", f"jsonpath={path}", context="gke").strip()


def test_a_run_is_suspended_and_released_in_place(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    running = job("sim/mode: forever")
    stack.write("train", running)
    stack.apply()
    uid = stack.live("job/train")["metadata"]["uid"]
    stack.write("train", suspended(running))
    assert stack.counts() == {"suspend": 1}
    kubectl("wait", "--for=condition=Suspended", "job/train", "-n", namespace, "--timeout=30s", context="gke")
    assert active(kubectl, namespace).split() == ["true"]
    assert stack.apply().plan.writes == ()
    assert stack.writes() == {}
    (one,) = status(stack.scope()).components
    assert (one.ready, one.notes) == ("suspended", ("Job/train suspended",))
    assert [entry.outcome for entry in run_history(stack.scope(), "train")] == ["suspended"]

    stack.write("train", running)
    assert stack.counts() == {"resume": 1}
    kubectl("wait", "--for=jsonpath={.status.ready}=1", "job/train", "-n", namespace, "--timeout=30s", context="gke")
    assert active(kubectl, namespace).split() == ["false", "1"]
    assert stack.live("job/train")["metadata"]["uid"] == uid
    assert [entry.outcome for entry in run_history(stack.scope(), "train")] == ["running"]
    assert stack.apply().plan.writes == ()

    kubectl("patch", "job/train", "-n", namespace, "-p", '{"spec": {"suspend": true}}', context="gke")
    assert stack.apply().plan.writes == ()  # somebody else's doing, and left so
    assert stack.live("job/train")["spec"]["suspend"] is True


def test_a_run_that_begins_suspended(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    running = job("sim/mode: forever")
    stack.write("train", suspended(running))
    assert stack.counts() == {"create": 1, "new run": 1}  # the namespace, too
    assert stack.apply().plan.writes == ()
    stack.write("train", running)
    assert stack.counts() == {"resume": 1}
    assert stack.apply().plan.writes == ()


def test_the_time_that_is_given_bounds_the_wait_for_what_is_being_deleted(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    held = config("held", a="1").replace('"metadata": {', '"metadata": {"finalizers": ["example.com/x"], ')
    stack.write("web", held)
    stack.apply()
    kubectl("delete", "configmap/held", "-n", namespace, "--wait=false", context="gke")
    with pytest.raises(MlstackError, match="still being deleted when the time is over"):
        stack.apply(timeout_s=1)
    assert stack.sent()["DELETE configmaps"] == 0
    patch = '{"metadata": {"finalizers": null}}'
    kubectl("patch", "configmap/held", "-n", namespace, "--type=merge", "-p", patch, context="gke")
    kubectl("wait", "--for=delete", "configmap/held", "-n", namespace, "--timeout=30s", context="gke")
    assert stack.counts() == {"create": 1}


def test_webhooks_that_no_longer_render_go_first(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["configmaps"]}
    hook = {
        "name": "a.example.com",
        "clientConfig": {"service": {"name": "gone", "namespace": namespace}, "caBundle": "Cg=="},
        "rules": [rule],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchLabels": {"watched": "yes"}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration"}
    webhook = json.dumps({**kind, "metadata": {"name": namespace}, "webhooks": [hook]})
    stack.write("web", together(config("one"), webhook))
    stack.apply()
    labelled = config("two").replace('"name": "two"', '"name": "two", "labels": {"watched": "yes"}')
    stack.write("web", together(config("one"), labelled))
    assert stack.counts(timeout_s=20) == {"create": 1, "unchanged": 1, "prune": 1}


def test_nothing_is_written_before_the_answer_nor_where_it_must_be_confirmed(
    stack: Stack, namespace: str, kubectl: Kubectl
) -> None:
    def files() -> dict[str, str]:
        return {str(path): path.read_text() for path in stack.root.rglob("*.yaml")}

    stack.write("web", together(config("settings"), job("")))
    before = files()
    with pytest.raises(MlstackError, match="Nothing was changed"):
        apply(stack.scope(), ApplyOptions(), confirm=lambda plan: False)
    assert files() == before  # not even the pin of the first contact
    stack.apply(wait="finished")
    assert "cluster:" in "".join(files().values())

    set_environment(Project.load(stack.root), "gke", protected=True)
    stack.write("web", together(config("settings", a="2"), job("")))
    written = files()
    with pytest.raises(UnconfirmedError, match="gke is protected, and the change was not confirmed"):
        stack.apply()
    assert any(isinstance(event, Planned) for event in stack.events)
    assert stack.writes() == {"PATCH configmaps": 1}  # the dry-run
    stack.apply(yes=True)
    for attempt in (
        lambda: run(stack.scope(), "web"),
        lambda: rollback(stack.scope(), files=True),
        lambda: delete(stack.scope()),
        lambda: put_secret(Project.load(stack.root), "gke", "db", "key", b"s3cret"),
    ):
        with pytest.raises(UnconfirmedError):
            attempt()
    assert files() == written
    assert "NotFound" in kubectl("get", "secret/db", "-n", namespace, context="gke", check=False)
    put_secret(Project.load(stack.root), "gke", "db", "key", b"s3cret", yes=True)
    gone = delete(stack.scope(), yes=True)
    assert gone.left == (f"Kept: Secret/db (set by `secret set`). To delete: kubectl delete secret -n {namespace} db",)


def test_in_a_queue_the_workload_is_switched(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    group, plural = "kueue.x-k8s.io", "workloads.kueue.x-k8s.io"
    crd = definition(group, versions=("v1beta1",)).replace("things", "workloads").replace("thing", "workload")
    kubectl("apply", "-f", "-", stdin=crd.replace("Thing", "Workload"), context="gke")
    kubectl("wait", "--for=condition=Established", f"crd/{plural}", "--timeout=30s", context="gke")
    try:
        queued = job("sim/mode: forever").replace(
            "metadata: {name: train}", "metadata: {name: train, labels: {kueue.x-k8s.io/queue-name: team}}"
        )
        stack.write("train", queued)
        stack.apply()
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "train", "controller": True}
        owner["uid"] = stack.live("job/train")["metadata"]["uid"]
        head = {"name": "job-train", "namespace": namespace, "ownerReferences": [owner]}
        workload_of = {"apiVersion": f"{group}/v1beta1", "kind": "Workload", "metadata": head, "spec": {"active": True}}
        kubectl("apply", "-f", "-", stdin=json.dumps(workload_of), context="gke")
        stack.write("train", suspended(queued))
        assert stack.counts() == {"suspend": 1}
        assert stack.live(f"{plural}/job-train")["spec"] == {"active": False}
        assert stack.live("job/train")["spec"]["suspend"] is False  # Kueue's own to set
        (one,) = status(stack.scope()).components
        assert one.ready == "suspended"
        assert stack.apply().plan.writes == ()
        stack.write("train", queued)
        assert stack.counts() == {"resume": 1}
        assert stack.live(f"{plural}/job-train")["spec"] == {"active": True}
        assert stack.apply().plan.writes == ()
    finally:
        kubectl("delete", "crd", plural, context="gke")
