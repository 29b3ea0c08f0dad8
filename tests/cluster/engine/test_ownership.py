"""Whose is an object: by the inventory and its UID, or our Apply entry; never by a label that anybody can copy."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.apply import PlanBlockedError
from mlstack.actions.delete import delete
from mlstack.actions.status import status
from mlstack.errors import MlstackError
from tests.cluster.engine.manifests import config, deployment, together

if TYPE_CHECKING:
    from .conftest import NewStack, Stack

Kubectl = Callable[..., str]
SHARED = {"mlstack.dev/shared": "true"}


def crd(group: str, scope: str = "Cluster", **annotations: str) -> str:
    """The definition of a kind Flavor."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    names = {"kind": "Flavor", "plural": "flavors", "singular": "flavor", "listKind": "FlavorList"}
    versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"flavors.{group}", "annotations": annotations},
            "spec": {"group": group, "scope": scope, "names": names, "versions": versions},
        }
    )


def flavor(group: str, name: str = "fl", **metadata: Any) -> str:
    """An object of that kind."""
    head = {"apiVersion": f"{group}/v1", "kind": "Flavor", "metadata": {"name": name, **metadata}}
    return json.dumps({**head, "spec": {"n": 1}})


def role(name: str) -> str:
    """A ClusterRole that another app's copy stands in for."""
    metadata = {"name": name, "annotations": SHARED}
    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    head = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": metadata}
    return json.dumps({**head, "rules": rules})


@pytest.fixture
def flavors(stack: Stack, namespace: str, kubectl: Kubectl) -> Any:
    """The group of a cluster-scoped kind that somebody else installed."""
    group = f"{namespace}.example.org"
    kubectl("create", "-f", "-", context="gke", stdin=crd(group))
    kubectl("wait", "--for=condition=Established", f"crd/flavors.{group}", "--timeout=30s", context="gke")
    yield group
    kubectl("delete", "crd", f"flavors.{group}", "--ignore-not-found", "--wait=false", context="gke")


def test_a_cluster_scoped_kind_whose_crd_is_not_in_the_app(stack: Stack, flavors: str, kubectl: Kubectl) -> None:
    stack.write("base", config("settings", a="1"))
    stack.write("flavors", flavor(flavors))
    assert stack.counts(wait="none") == {"create": 3}
    uid = kubectl("get", f"flavors.{flavors}", "fl", "-o", "jsonpath={.metadata.uid}", context="gke")
    assert stack.counts(wait="none") == {"unchanged": 2}
    assert stack.writes() == {}
    assert kubectl("get", f"flavors.{flavors}", "fl", "-o", "jsonpath={.metadata.uid}", context="gke") == uid
    former_inventory(stack, kubectl, f"Flavor.{flavors}//fl", f"Flavor.{flavors}/{stack.namespace}/fl")
    stack.drop("flavors")
    assert stack.counts(wait="none") == {"unchanged": 1, "prune": 1}
    assert "not found" in kubectl("get", f"flavors.{flavors}", "fl", context="gke", check=False).lower()


def former_inventory(stack: Stack, kubectl: Kubectl, old: str = "", new: str = "") -> None:
    """The inventory as a former version wrote it: no UIDs; one entry may be spelled otherwise."""
    name = kubectl(
        "get", "configmap", "-l", "applyset.kubernetes.io/id", "-n", stack.namespace, "-o", "name", context="gke"
    ).strip()
    found = stack.live(name)
    applied = found["data"]["applied"].replace(old, new) if old else found["data"]["applied"]
    change = json.dumps({"data": {"members": None, "applied": applied}})
    kubectl("patch", name, "-n", stack.namespace, "--type=merge", "-p", change, context="gke")


ENDPOINTS = """
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: ext}
spec: {ports: [{port: 80}]}
---
apiVersion: v1
kind: Endpoints
metadata: {name: ext}
subsets: [{addresses: [{ip: 192.0.2.1}], ports: [{port: 80}]}]
"""


def test_endpoints_that_a_controller_labels_like_our_service_are_not_ours(stack: Stack, kubectl: Kubectl) -> None:
    stack.write("web", ENDPOINTS)
    stack.apply(wait="none")
    kubectl("wait", "--for=create", "endpoints/web", "-n", stack.namespace, "--timeout=60s", context="gke")
    copied = stack.live("endpoints/web")["metadata"]
    assert "applyset.kubernetes.io/part-of" in copied["labels"]
    assert stack.counts(wait="none") == {"unchanged": 3}
    assert stack.live("endpoints/web")["metadata"]["uid"] == copied["uid"]


def test_a_copy_made_through_the_api_is_never_removed(stack: Stack, kubectl: Kubectl) -> None:
    stack.write("base", together(config("a"), config("b")))
    stack.apply(wait="none")
    live = stack.live("configmap/a", "--show-managed-fields")
    copy = {**live, "metadata": {name: live["metadata"][name] for name in ("labels", "annotations", "managedFields")}}
    copy["metadata"] |= {"name": "copy", "namespace": stack.namespace}
    kubectl("create", "-f", "-", context="gke", stdin=json.dumps(copy))
    manager = stack.live("configmap/copy", "--show-managed-fields")["metadata"]["managedFields"][0]
    assert (manager["manager"], manager["operation"]) == (live["metadata"]["managedFields"][0]["manager"], "Apply")
    assert stack.counts(wait="none") == {"unchanged": 2}
    stack.write("base", config("a"))
    assert stack.counts(wait="none") == {"unchanged": 1, "prune": 1}
    assert [key.name for key in delete(stack.scope()).removed] == ["a"]
    assert stack.live("configmap/copy")["metadata"]["name"] == "copy"


def test_an_object_that_lost_our_labels_is_still_ours(stack: Stack, kubectl: Kubectl) -> None:
    stack.write("base", config("keep"))
    stack.write("more", together(config("a"), config("b")))
    stack.apply(wait="none")
    for name in ("a", "b", "keep"):
        labels = [f"{label}-" for label in stack.live(f"configmap/{name}")["metadata"]["labels"]]
        kubectl("label", "configmap", name, *labels, "-n", stack.namespace, context="gke")
    stack.write("more", config("a"))
    assert stack.counts(wait="none") == {"change": 2, "prune": 1}
    assert stack.counts(wait="none") == {"unchanged": 2}
    labels = [f"{label}-" for label in stack.live("configmap/a")["metadata"]["labels"]]
    kubectl("label", "configmap", "a", *labels, "-n", stack.namespace, context="gke")
    assert len(delete(stack.scope()).removed) == 2


def test_an_object_restored_from_a_backup_is_asked_about(stack: Stack, kubectl: Kubectl) -> None:
    stack.write("base", together(config("a", x="1"), config("b")))
    stack.apply(wait="none")
    live = stack.live("configmap/a")
    head = {name: live["metadata"][name] for name in ("name", "namespace", "labels", "annotations")}
    kubectl("delete", "configmap", "a", "-n", stack.namespace, context="gke")
    kubectl("create", "-f", "-", context="gke", stdin=json.dumps({**live, "metadata": head}))
    with pytest.raises(PlanBlockedError, match="is not the object that was applied: kubectl-create created it again"):
        stack.apply(wait="none")
    stack.write("base", config("b"))
    assert stack.counts(wait="none") == {"unchanged": 1}
    stack.write("base", together(config("a", x="1"), config("b")))
    assert stack.counts(wait="none", adopt=True) == {"adopt": 1, "unchanged": 1}
    assert stack.counts(wait="none") == {"unchanged": 2}


def test_an_inventory_of_the_former_format_is_taken_over(stack: Stack, kubectl: Kubectl) -> None:
    """Listed and applied by us is ours; with the label alone it is left."""
    stack.write("base", together(config("a"), config("b")))
    stack.apply(wait="none")
    former_inventory(stack, kubectl)
    stray = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "stray", "namespace": stack.namespace}}
    stray["metadata"]["labels"] = stack.live("configmap/a")["metadata"]["labels"]  # type: ignore[index]
    kubectl("create", "-f", "-", context="gke", stdin=json.dumps(stray))
    assert stack.counts(wait="none") == {"unchanged": 2}
    assert stack.writes() == {}
    stack.write("base", config("a", x="2"))
    assert stack.counts(wait="none") == {"change": 1, "prune": 1}
    (inventory,) = stack.live("configmap", "-l", "applyset.kubernetes.io/id")["items"]
    uid = stack.live("configmap/a")["metadata"]["uid"].replace("-", "")[:12]
    assert json.loads(inventory["data"]["members"]) == {f"ConfigMap./{stack.namespace}/a": uid}
    assert stack.live("configmap/stray")["metadata"]["name"] == "stray"


def test_labels_of_the_author_stay_and_pods_are_not_restarted(stack: Stack, kubectl: Kubectl) -> None:
    theirs = {"app.kubernetes.io/part-of": "argocd", "app.kubernetes.io/name": "shop"}
    one = json.loads(deployment("web"))
    one["metadata"]["labels"] = theirs
    stack.write("web", json.dumps(one))
    stack.apply(wait="none")
    live = stack.live("deployment/web")
    labels = live["metadata"]["labels"]
    assert labels.items() >= theirs.items()
    assert labels["app.kubernetes.io/managed-by"] == "mlstack"
    assert labels["mlstack.dev/component"] == "web"
    assert not [name for name in live["spec"]["template"]["metadata"]["labels"] if name.startswith("mlstack.dev")]
    # As a former version left it: without our label, and with its own in place of the author's.
    former = {"mlstack.dev/component": None, "app.kubernetes.io/part-of": "app", "app.kubernetes.io/name": "web"}
    patch = json.dumps({"metadata": {"labels": former}})
    kubectl("patch", "deployment", "web", "-n", stack.namespace, "--type=merge", "-p", patch, context="gke")
    before = stack.live("deployment/web")["metadata"]["generation"]
    assert stack.counts(wait="none", force_conflicts=True) == {"change": 1}
    after = stack.live("deployment/web")["metadata"]
    assert after["labels"].items() >= theirs.items()
    assert after["generation"] == before  # a new generation is what would start new pods


def test_what_another_environment_relies_on_is_kept_and_named(
    new_stack: NewStack, namespace: str, kubectl: Kubectl
) -> None:
    group, shared = f"{namespace}.example.org", f"{namespace}-operator"
    stack = new_stack("shop")
    stack.environment("prod", "gke", f"{namespace}-prod")
    stack.write("operator", together(crd(group, "Namespaced", **SHARED), role(shared), config("operator")))
    stack.write("jobs", flavor(group))
    try:
        stack.apply(wait="none", environment="prod")
        (left,) = (c for c in stack.apply(wait="none").plan.changes if c.key.kind == "ClusterRole")
        assert left.reason == "provided by mlstack app shop, environment prod"
        with pytest.raises(MlstackError) as refused:
            delete(stack.scope("prod"))
        assert refused.value.message == (
            f"Nothing was removed: ClusterRole/{shared} would go, which mlstack app shop, environment gke relies on."
        )
        assert stack.writes() == {}
        with pytest.raises(MlstackError, match=rf"CustomResourceDefinition/flavors.{group}"):
            delete(stack.scope("prod"), include={"crd"})
        assert [one.name for one in delete(stack.scope("prod", "jobs")).removed] == ["fl"]
        assert all(one.ready != "no" for one in status(stack.scope()).components)

        stack.drop("operator")  # the app needs it no more in prod: the apply goes on, and it stays
        (kept,) = (c for c in stack.apply(wait="none", environment="prod").plan.changes if c.key.name == shared)
        assert kept.reason == ("kept: mlstack app shop, environment gke relies on it; --include shared removes it")
        stack.write("operator", together(crd(group, "Namespaced", **SHARED), role(shared), config("operator")))
        removed = delete(stack.scope("prod"), include={"shared"}).removed
        assert shared in [one.name for one in removed]
        told = {one.name: one for one in status(stack.scope()).components}["operator"]
        assert told.ready == "no"
        assert f"ClusterRole/{shared} is missing" in told.notes[-1]
        assert stack.counts(wait="none")["create"] == 1
    finally:
        kubectl("delete", "crd", f"flavors.{group}", "--ignore-not-found", "--wait=false", context="gke")
        kubectl("delete", "clusterrole", shared, "--ignore-not-found", context="gke")
        kubectl("delete", "namespace", f"{namespace}-prod", "--ignore-not-found", "--wait=false", context="gke")


def test_a_namespace_with_another_environments_objects_stays(new_stack: NewStack, namespace: str) -> None:
    one, other = new_stack("one"), new_stack("other")
    one.write("base", config("a"))
    other.write("base", config("b"))
    one.apply(wait="none")
    other.apply(wait="none")
    with pytest.raises(MlstackError, match=f"Namespace/{namespace} would go, which mlstack app other, environment gke"):
        delete(one.scope(), include={"namespace"})
    assert delete(one.scope()).removed
    assert other.live("configmap/b")["metadata"]["name"] == "b"


def test_a_removal_of_nothing_shared_asks_for_no_inventories(stack: Stack) -> None:
    stack.write("base", together(config("a"), config("b")))
    stack.apply(wait="none")
    stack.write("base", config("a"))
    stack.apply(wait="none")
    assert stack.sent()["LIST configmaps"] == 1
    delete(stack.scope(), wait=False)
    assert stack.sent()["LIST configmaps"] == 3  # the app's own objects, its receipts, its run records
