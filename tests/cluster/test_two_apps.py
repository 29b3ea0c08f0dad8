"""Two apps with kubeflow-core on one cluster, and what kubectl made: each leaves alone what is not its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

KINDS = "configmaps,secrets,services,serviceaccounts,deployments,statefulsets,roles,rolebindings,networkpolicies"
CLUSTER_KINDS = "customresourcedefinitions,clusterroles,clusterrolebindings"
Owned = Callable[[str], dict[str, tuple[str, str]]]
CRDS = ", ".join(f"CustomResourceDefinition/{kind}jobs.kubeflow.org" for kind in ("paddle", "pytorch", "tf"))
ROLES = "ClusterRole/training-operator, ClusterRoleBinding/training-operator"


@pytest.fixture(autouse=True)
def gone(minikube: Sandbox, kubectl: Kubectl) -> Iterator[None]:
    """Two apps must meet on a cluster where nobody else has the operator; what they leave there goes."""
    yield
    kubectl("delete", CLUSTER_KINDS, "-l", "app.kubernetes.io/managed-by=mlstack", context="minikube")


@pytest.fixture
def left(namespace: str, kubectl: Kubectl) -> Iterator[str]:
    """A namespace that goes after the test."""
    yield namespace
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", context="minikube")


@pytest.fixture
def right(left: str, kubectl: Kubectl) -> Iterator[str]:
    """Another one."""
    yield f"{left}-right"
    kubectl("delete", "namespace", f"{left}-right", "--ignore-not-found", "--wait=false", context="minikube")


@pytest.fixture
def two(minikube: Sandbox, new_app: Callable[[str], App]) -> tuple[App, App]:
    """The apps `one` and `two`, each with kubeflow-core."""
    apps = new_app("one"), new_app("two")
    for app in apps:
        app.do("generate", "core", "kubeflow-core")
    return apps


def place(app: App, namespace: str) -> None:
    app.do("env", "add", "minikube", "--namespace", namespace)


@pytest.fixture
def owned(kubectl: Kubectl, left: str) -> Owned:
    """`owned("one")`: UID and resourceVersion of what belongs to an app, in this test's namespaces and in none.

    Deployments and StatefulSets, whose status moves, by their generation.
    """

    def find(app: str) -> dict[str, tuple[str, str]]:
        words = ("get", f"{KINDS},{CLUSTER_KINDS}", "-A", "-l", f"app.kubernetes.io/part-of={app}", "-o", "json")
        items: list[dict[str, Any]] = json.loads(kubectl(*words, context="minikube"))["items"]
        found = {}
        for item in items:
            of = item["metadata"]
            version = of["generation"] if item["kind"] in ("Deployment", "StatefulSet") else of["resourceVersion"]
            if of.get("namespace", left).startswith(left):  # those of the test before may still be going
                found[f"{of.get('namespace', '')} {item['kind']}/{of['name']}"] = (of["uid"], str(version))
        return found

    return find


def test_in_two_namespaces(two: tuple[App, App], owned: Owned, left: str, right: str) -> None:
    one, other = two
    place(one, left)
    place(other, right)
    assert "ready: 22 of 22" in one.do("apply", "minikube")
    before = owned("one")
    assert len(before) == 22

    printed = other.do("apply", "minikube")
    assert "create 11   change 0   unchanged 0   prune 0   shared 12" in printed
    assert f"Left alone, provided by mlstack app one, environment minikube: {CRDS}, {ROLES}." in printed
    assert "ready: 10 of 10" in printed
    assert owned("one") == before
    second = owned("two")
    assert {name.split()[0] for name in second} == {right}  # nothing of the whole cluster's

    assert "nothing to do" in one.do("apply", "minikube")
    assert "nothing to do" in other.do("apply", "minikube")
    assert (owned("one"), owned("two")) == (before, second)

    (other.root / "components" / "kubeflow-core.yaml").unlink()
    other.write({"components/rest/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: rest}\n"})
    assert "prune 10" in other.do("apply", "minikube")
    assert owned("one") == before

    assert "removed 1 object" in other.do("delete", "minikube", "--yes")
    assert owned("one") == before


def test_the_operator_of_an_app_that_leaves_is_made_anew_by_the_other(
    two: tuple[App, App], owned: Owned, left: str, right: str
) -> None:
    one, other = two
    place(one, left)
    place(other, right)
    one.do("apply", "minikube", "--no-wait")
    other.do("apply", "minikube", "--no-wait")
    before = owned("two")

    refused = one.run("delete", "minikube", "--yes")
    assert refused.returncode == 1
    assert "Nothing was removed: " in refused.stderr
    assert " would go, which mlstack app two, environment minikube relies on." in refused.stderr
    assert len(owned("one")) == 22

    printed = one.do("delete", "minikube", "--include", "shared", "--yes")
    assert f"removed 19 objects, kept {CRDS}" in printed
    after = owned("two")
    assert after == before
    assert set(owned("one")) == {f" {name}" for name in CRDS.split(", ")}

    printed = other.do("apply", "minikube")
    assert "create 9   change 0   unchanged 10   prune 0   shared 3" in printed
    assert f"Left alone, provided by mlstack app one, environment minikube: {CRDS}." in printed
    after = owned("two")
    assert {name: after[name] for name in before} == before
    assert f"{right} Deployment/training-operator" in after


def test_in_the_same_namespace(two: tuple[App, App], owned: Owned, left: str) -> None:
    one, other = two
    place(one, left)
    place(other, left)
    one.do("apply", "minikube", "--no-wait")
    before = owned("one")

    refused = other.run("apply", "minikube")
    assert refused.returncode == 1
    assert "create 0   change 0   unchanged 0   prune 0   foreign" in refused.stdout
    assert " changes are refused, so nothing was written." in refused.stderr
    whose = "it belongs to mlstack app one, environment minikube"
    told = f"  StatefulSet/tf-hub: exists, not ours: {whose}. --adopt takes it over."
    assert told in refused.stderr.splitlines()
    assert "removed 0 objects" in other.do("delete", "minikube", "--yes")
    assert (owned("one"), owned("two")) == (before, {})
    assert "nothing to do" in one.do("apply", "minikube", "--no-wait")


def test_beside_what_kubectl_made(two: tuple[App, App], kubectl: Kubectl, owned: Owned, left: str) -> None:
    app, _ = two
    place(app, left)
    app.write({"components/more/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: ours}\n"})
    kubectl("create", "namespace", left, context="minikube")
    kubectl("create", "configmap", "more", "--from-literal=a=theirs", "-n", left, context="minikube")
    get = ("get", "configmap", "more", "-n", left, "-o", "json")
    before = kubectl(*get, context="minikube")

    refused = app.run("apply", "minikube", "--no-wait")
    assert refused.returncode == 1
    assert refused.stderr.startswith(
        "Error: 1 change is refused, so nothing was written.\n"
        "  ConfigMap/more: exists, not ours: it belongs to kubectl-create. --adopt takes it over.\n"
    )
    assert owned("one") == {}

    app.do("apply", "minikube", "-c", "kubeflow-core", "--no-wait")  # what has nothing to do with it goes on
    (app.root / "components/more/a.yaml").unlink()
    (app.root / "components/more").rmdir()
    assert "nothing to do" in app.do("apply", "minikube", "--no-wait")
    app.do("delete", "minikube", "--yes")
    assert kubectl(*get, context="minikube") == before


def test_adopted_on_demand(new_app: Callable[[str], App], kubectl: Kubectl, left: str) -> None:
    app = new_app("one")
    place(app, left)
    app.write({"components/more/a.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\ndata: {a: ours}\n"})
    kubectl("create", "namespace", left, context="minikube")
    kubectl("create", "configmap", "more", "--from-literal=b=theirs", "-n", left, context="minikube")
    get = ("get", "configmap", "more", "-n", left, "-o", "json")
    uid = json.loads(kubectl(*get, context="minikube"))["metadata"]["uid"]
    assert "adopt 1" in app.do("apply", "minikube", "--adopt")
    adopted = json.loads(kubectl(*get, context="minikube"))
    assert (adopted["metadata"]["uid"], adopted["data"]) == (uid, {"a": "ours", "b": "theirs"})
    assert "removed ConfigMap/more" in app.do("delete", "minikube", "--yes")
