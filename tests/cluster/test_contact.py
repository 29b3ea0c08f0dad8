"""First contact: what `env add` and `env pin` learn from a real cluster."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions import contact
from mlstack.app.project import Project
from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]


@pytest.fixture
def project(new_app: Callable[[str], Any]) -> Callable[[], Project]:
    """The files of a new app, as they stand when asked for."""
    root = new_app("contact").root
    return lambda: Project.load(root)


def uid(kubectl: Callable[..., str], context: str) -> str:
    """The cluster's identity, by kubectl."""
    return kubectl("get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}", context=context)


def test_an_environment_is_pinned_and_a_sandbox_known(
    project: Callable[[], Project], gke: Sandbox, kubectl: Callable[..., str]
) -> None:
    added, warning = contact.add(project(), "gke")
    assert (added.environment.cluster, warning) == (uid(kubectl, "gke"), "")
    assert added.local_params == ("webhook: false",)
    assert added.environment.local  # a sandbox is this machine's alone


def test_an_environment_that_gets_its_context_later(
    new_app: Callable[[str], Any], gke: Sandbox, namespace: str, kubectl: Kubectl
) -> None:
    made, app = namespace, new_app("later")
    local = app.root / ".mlstack/local.yaml"
    app.write({"components/web/objects.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n"})
    file = app.root / "environments/dev.yaml"
    head = "apiVersion: mlstack.dev/v1\nkind: Environment\nid: abcd1234\nplatform: gke\n"
    app.do("env", "add", "dev", "--context", "gke", "--platform", "gke", "--namespace", made)
    local.unlink()
    file.write_text(f"{head}namespace: {made}\n", "utf-8")
    said = app.do("env", "set", "dev", "--context", "gke")
    assert ".mlstack/local.yaml: webhook: false for dev (this machine only)." in said
    assert "webhook: false" in local.read_text("utf-8")

    local.unlink()
    before = app.files()
    app.run("diff", "dev")
    assert app.files() == before
    said = app.do("apply", "dev")
    assert ".mlstack/local.yaml: webhook: false for dev (this machine only)." in said
    assert "Pinned dev to this cluster." in said
    text = local.read_text("utf-8")
    assert "webhook: false" in text
    assert uid(kubectl, "gke") in text
    kubectl("delete", "namespace", made, "--ignore-not-found", "--wait=false", context="gke")


def test_the_platform_is_read_off_the_nodes(project: Callable[[], Project], gke: Sandbox) -> None:
    added, _ = contact.add(project(), "prod", context="gke")
    assert added.environment.platform == "gke"
    asked, _ = contact.add(project(), "other", context="gke", platform="generic")
    assert asked.environment.platform == "generic"


def test_pinned_anew_on_purpose(
    project: Callable[[], Project], gke: Sandbox, minikube: Sandbox, kubectl: Callable[..., str]
) -> None:
    contact.add(project(), "prod", context="gke")
    text = (project().root / ".mlstack/local.yaml").read_text("utf-8")
    (project().root / ".mlstack/local.yaml").write_text(text.replace(uid(kubectl, "gke"), "another"), "utf-8")
    assert "(before: another)" in contact.pin(project(), "prod").summary[0]
    assert contact.pin(project(), "prod").summary == ("prod: nothing to change.",)


def test_a_silent_cluster_is_warned_about(project: Callable[[], Project], tmp_path: Path) -> None:
    path = tmp_path / "kubeconfig"
    path.write_text(
        "{apiVersion: v1, kind: Config, clusters: [{name: x, cluster: {server: 'https://127.0.0.1:1'}}],"
        " users: [{name: x, user: {token: t}}], contexts: [{name: x, context: {cluster: x, user: x}}]}",
        "utf-8",
    )
    added, warning = contact.add(project(), "x", kubeconfig=str(path))
    assert added.environment.cluster == ""
    assert "does not answer" in warning
