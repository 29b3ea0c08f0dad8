from __future__ import annotations

import copy
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.app.assemble import assemble
from mlstack.app.project import AppNotFoundError, Project
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_an_app_is_found_from_below(sample: Sample) -> None:
    found = Project.find(sample.root / "components")
    assert found.root == sample.root.resolve()
    assert (found.name, found.id) == ("app", "a1b2c3d4")
    assert found.component_names == ("cnn", "hub")
    assert found.environment_names == ("gke", "minikube")


def test_no_app(tmp_path: Path) -> None:
    with pytest.raises(AppNotFoundError, match=r"no mlstack\.yaml.*mlstack init"):
        Project.find(tmp_path)
    with pytest.raises(AppNotFoundError, match="is no app"):
        Project.load(tmp_path)


@pytest.mark.parametrize(
    ("what", "name", "sentence"),
    [
        ("component", "cn", "This app has no component cn. Did you mean cnn?"),
        ("environment", "gkee", "This app has no environment gkee. Did you mean gke?"),
        ("registry", "dmo", "This app knows no registry dmo. Did you mean demo?"),
    ],
)
def test_unknown_names(sample: Sample, what: str, name: str, sentence: str) -> None:
    with pytest.raises(MlstackError) as caught:
        getattr(sample.project(), what)(name)
    assert str(caught.value) == sentence


def test_a_fresh_clone_has_no_empty_folders(empty_app: Sample) -> None:
    project = empty_app.project()
    assert (project.component_names, project.environment_names, project.local) == ((), (), None)
    with pytest.raises(MlstackError, match="mlstack generate"):
        project.component("cnn")


def test_a_component_may_be_a_folder_of_manifests(empty_app: Sample) -> None:
    empty_app.write("components/own/a.yaml", "kind: x\n")
    component = empty_app.project().component("own")
    assert component.folder == empty_app.root / "components" / "own"
    assert (component.prototype, component.params) == ("", {})


def test_a_file_and_a_folder_of_one_name(sample: Sample) -> None:
    sample.write("components/cnn/a.yaml", "kind: x\n")
    with pytest.raises(MlstackError, match=r"components/cnn\.yaml and components/cnn/ are both there"):
        _ = sample.project().component_names


@pytest.mark.parametrize(
    ("path", "line"),
    [("mlstack.yaml", "registry: 1"), ("components/cnn.yaml", "param: 1"), ("environments/gke.yaml", "name: x")],
)
def test_an_unknown_key_is_an_error_with_its_place(sample: Sample, path: str, line: str) -> None:
    sample.write(path, sample.read(path) + line + "\n")
    number = len(sample.read(path).splitlines())
    with pytest.raises(MlstackError, match=f"{path}:{number}: {line.split(':')[0]} is not known in a"):
        assemble(sample.project(), "gke")


def test_the_local_file_is_nearer(sample: Sample) -> None:
    sample.write(
        ".mlstack/local.yaml",
        "apiVersion: mlstack.dev/v1\nkind: Local\nenvironments:\n  gke: {context: mine, cluster: abc}\n",
    )
    env = sample.project().environment("gke")
    assert (env.context, env.cluster, env.server) == ("mine", "abc", "https://34.1.2.3")
    assert sample.project().environment("minikube").context == "minikube"


def test_what_an_environment_does_not_say(empty_app: Sample) -> None:
    empty_app.write("environments/bare.yaml", "apiVersion: mlstack.dev/v1\nkind: Environment\n")
    env = empty_app.project().environment("bare")
    said = (env.id, env.platform, env.context, env.namespace, env.protected, env.autoscaling, env.components)
    assert said == ("bare", "generic", "", "default", False, None, None)


def test_an_app_can_be_looked_at_with_an_edit_that_is_not_saved(sample: Sample) -> None:
    project = sample.project()
    file = copy.copy(project.environment("gke").file)
    file.set(["namespace"], "other")
    assert project.with_file(file).environment("gke").namespace == "other"
    assert sample.project().environment("gke").namespace == "default"


@pytest.mark.parametrize("name", ["a b", "-dash", "n" * 70, "ünï"])
def test_a_component_made_by_hand_has_a_name_that_a_label_can_hold(empty_app: Sample, name: str) -> None:
    empty_app.write(f"components/{name}/a.yaml", "kind: x\n")
    empty_app.write("components/other/sub/a.json", "{}\n")
    project = empty_app.project()
    assert project.component("other").folder == empty_app.root / "components" / "other"
    with pytest.raises(MlstackError, match=r"^components/.*/: the name of a component must be .*Rename it"):
        project.component(name)


@pytest.mark.parametrize("name", ["web.yml", "web.json"])
def test_a_file_that_would_be_no_component_is_told(empty_app: Sample, name: str) -> None:
    empty_app.write(f"components/{name}", "kind: x\n")
    with pytest.raises(MlstackError, match=rf"components/{name}: a component's file is called NAME\.yaml"):
        _ = empty_app.project().component_names
