from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.actions.init import init
from mlstack.app.project import Project
from mlstack.errors import MlstackError


def test_a_new_app(tmp_path: Path) -> None:
    made = init(tmp_path / "my-kubeflow")
    assert made.summary == (
        "Created my-kubeflow (mlstack.yaml, components/, environments/). Next: mlstack generate core kubeflow-core",
    )
    project = Project.load(made.root)
    assert (project.name, project.id) == ("my-kubeflow", made.id)
    assert project.registries["kubeflow"].kind == "built-in"
    assert sorted(path.name for path in made.root.iterdir()) == [
        ".gitignore",
        "components",
        "environments",
        "mlstack.yaml",
    ]
    assert (made.root / ".gitignore").read_text().splitlines()[1:] == [".mlstack/", ".*.tmp"]


def test_every_app_has_an_id_of_its_own(tmp_path: Path) -> None:
    assert init(tmp_path / "a").id != init(tmp_path / "b").id


def test_an_app_in_a_repository_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".gitignore").write_text("*.pyc")
    with pytest.raises(MlstackError, match=r"is not empty.*mlstack init"):
        init(tmp_path, "app")
    init(tmp_path, "app", here=True)
    assert (tmp_path / "README.md").read_text() == "mine"
    assert (tmp_path / ".gitignore").read_text().splitlines()[0] == "*.pyc"
    assert ".mlstack/" in (tmp_path / ".gitignore").read_text().splitlines()


def test_what_an_interrupted_init_left_is_taken_up(tmp_path: Path) -> None:
    (tmp_path / "app" / "components").mkdir(parents=True)
    (tmp_path / "app" / ".gitignore").write_text(".mlstack/\n")
    init(tmp_path / "app")
    assert (tmp_path / "app" / ".gitignore").read_text() == ".mlstack/\n"


def test_what_is_an_app_already_or_inside_one_or_a_file(tmp_path: Path) -> None:
    init(tmp_path / "app")
    (tmp_path / "file").touch()
    for folder, sentence in (("app", "is an app already"), ("app/sub", "is inside the app"), ("file", "is a file")):
        with pytest.raises(MlstackError, match=sentence):
            init(tmp_path / folder, here=True)


def test_a_name_that_cannot_be_a_label(tmp_path: Path) -> None:
    with pytest.raises(MlstackError, match=r"cannot be the name of an app.*--name"):
        init(tmp_path / "my app")
    assert not (tmp_path / "my app").exists()
    assert init(tmp_path / "my app", "my-app").name == "my-app"
