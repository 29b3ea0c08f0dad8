"""kubeflow-core as a user with rights in one namespace only: what is missing is said, the hub alone works."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from mlstack.sandbox import Sandbox

if TYPE_CHECKING:
    from .conftest import App, Kubectl

CONTEXT = "namespaced"


def await_right(kubectl: Kubectl, *words: str) -> None:
    """Until the authorizer has learned of a right, which is a moment after its binding was made."""
    while "yes" not in kubectl("auth", "can-i", *words, context="minikube", check=False).split():
        time.sleep(0.1)


@pytest.fixture
def member(minikube: Sandbox, kubectl: Kubectl, kubeconfig: Path, namespace: str, tmp_path: Path) -> Iterator[Path]:
    """A kubeconfig whose one user has Kubernetes' own role `admin` in one namespace, and no right elsewhere."""
    kubectl("create", "namespace", namespace, context="minikube")
    kubectl("create", "serviceaccount", "ada", "-n", namespace, context="minikube")
    subject = f"--serviceaccount={namespace}:ada"
    kubectl("create", "rolebinding", "ada", "--clusterrole=admin", subject, "-n", namespace, context="minikube")
    token = kubectl("create", "token", "ada", "-n", namespace, context="minikube").strip()
    whole = yaml.safe_load(kubeconfig.read_text())
    named = next(one["context"]["cluster"] for one in whole["contexts"] if one["name"] == "minikube")
    context = {"cluster": named, "user": "ada", "namespace": namespace}
    own = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [one for one in whole["clusters"] if one["name"] == named],
        "users": [{"name": "ada", "user": {"token": token}}],
        "contexts": [{"name": CONTEXT, "context": context}],
        "current-context": CONTEXT,
    }
    path, ada = tmp_path / "kubeconfig", f"system:serviceaccount:{namespace}:ada"
    path.write_text(yaml.safe_dump(own))
    # One right of each of the roles that `admin` gathers.
    await_right(kubectl, "create", "statefulsets.apps", f"--as={ada}", "-n", namespace)
    await_right(kubectl, "create", "rolebindings.rbac.authorization.k8s.io", f"--as={ada}", "-n", namespace)
    yield path
    kubectl("delete", "namespace", namespace, "--wait=false", context="minikube")


@pytest.fixture
def app(member: Path, new_app: Callable[[str], App], monkeypatch: pytest.MonkeyPatch) -> App:
    """An app with kubeflow-core and one environment, in that user's hands."""
    monkeypatch.setenv("KUBECONFIG", str(member))
    app = new_app("team")
    app.do("env", "add", "dev", f"--context={CONTEXT}", "--platform=minikube")
    app.do("pkg", "install", "kubeflow/core")
    app.do("generate", "kubeflow-core", "core")
    return app


def workloads(kubectl: Kubectl, namespace: str) -> set[str]:
    """The names of a namespace's workloads."""
    found = json.loads(kubectl("get", "statefulset,deployment", "-n", namespace, "-o", "json", context="minikube"))
    return {one["metadata"]["name"] for one in found["items"]}


WIDE = """\
    in the whole cluster: list, create, patch, delete clusterrolebindings.rbac.authorization.k8s.io
    in the whole cluster: list, create, patch, delete, escalate, bind clusterroles.rbac.authorization.k8s.io
    in the whole cluster: list, watch, create, patch, delete customresourcedefinitions.apiextensions.k8s.io
"""


def test_all_rights_that_are_missing_are_said_and_nothing_is_done(
    app: App, namespace: str, kubectl: Kubectl, minikube: Sandbox
) -> None:
    app.do("param", "set", "--env=dev", "core", "webhook", "false")
    done = app.run("apply", "dev", "--yes")
    assert (done.returncode, workloads(kubectl, namespace)) == (1, set())
    user = f"system:serviceaccount:{namespace}:ada"
    assert f"User {user!r} of context {CONTEXT!r} may not do all that core takes. Missing are:\n{WIDE}" in done.stderr
    grants = [line.strip() for line in done.stderr.splitlines() if line.strip().startswith("kubectl create ")]
    alone = "core can be applied with these permissions without the operator: "
    assert f"{alone}mlstack param set --env=dev core operator false" in done.stderr
    checked = app.run("check", "dev")
    assert (checked.returncode, WIDE in checked.stdout) == (1, True)
    for line in grants:
        kubectl(*line.removeprefix("kubectl ").split(), context="minikube")
    try:
        await_right(kubectl, "delete", "customresourcedefinitions", f"--as=system:serviceaccount:{namespace}:ada")
        checked = app.run("check", "dev")  # what was asked for is all that it takes
        assert (checked.returncode, "rights" in checked.stdout) == (0, True), checked.stdout
    finally:
        for line in grants:
            _, _, kind, name, *_ = line.split()
            kubectl("delete", kind, name, context="minikube")


def test_the_setting_that_needs_no_rights_in_the_whole_cluster_is_named(app: App) -> None:
    app.do("param", "set", "--env=dev", "core", "operator", "false")
    app.do("generate", "tf-cnn", "cnn")
    definitions = app.run("check", "dev", "cnn").stdout
    assert "mlstack param set --env=dev cnn runner native" in definitions
    app.do("param", "set", "--env=dev", "cnn", "runner", "native")
    assert "dev: nothing is in the way, as far as can be seen" in app.do("check", "dev")


def test_the_hub_alone_works(app: App, namespace: str, kubectl: Kubectl) -> None:
    app.do("param", "set", "--env=dev", "core", "operator", "false")
    said = app.do("apply", "dev", "--yes")
    assert "failed" not in said
    assert workloads(kubectl, namespace) == {"tf-hub"}
    again = app.do("apply", "dev", "--yes")
    assert "nothing to do (10 objects unchanged" in again
    app.do("delete", "dev", "--yes")
    assert workloads(kubectl, namespace) == set()
