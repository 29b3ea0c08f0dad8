from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

from mlstack.actions.connection import Connection
from mlstack.actions.environments import add_environment
from mlstack.actions.init import init
from mlstack.actions.session import Scope, owner_of, render_scope
from mlstack.app.contexts import KubeContexts
from mlstack.app.project import Project

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"


def app(root: Path) -> Project:
    init(root)
    for name in ("one", "two"):
        (root / "components" / name).mkdir(parents=True)
        (root / "components" / name / "x.yaml").write_text(CONFIG.replace("x}", f"{name}}}"))
    add_environment(Project.load(root), "gke", KubeContexts(("gke",), "gke"), "gke", "ml", "generic")
    return Project.load(root)


def test_only_the_chosen_components_are_rendered(tmp_path: Path) -> None:
    project = app(tmp_path / "app")
    everything, target = render_scope(Scope(project, "gke"))
    assert [one.component for one in everything] == ["one", "two"]
    assert target.namespace == "ml"
    chosen, _ = render_scope(Scope(project, "gke", ("two",)))
    assert [one.manifests[0]["metadata"]["namespace"] for one in chosen] == ["ml"]


def test_renaming_app_or_environment_keeps_the_owner(tmp_path: Path) -> None:
    project = app(tmp_path / "app")
    environment = project.environment("gke")
    connection = cast("Connection", SimpleNamespace(environment=environment, namespace="ml"))
    owner = owner_of(project, connection.environment)
    assert owner.manager == f"mlstack-{project.id}-{environment.id}" == owner.name
    assert environment.id != "gke"
    assert project.id != project.name
