"""The values of an app's files, remembered and brought back with the comments kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.project import Project
from mlstack.app.values import brought_back, file_values

FILES = {
    "mlstack.yaml": "apiVersion: mlstack.dev/v1\nkind: App\nname: a\nid: a\nparams: {team: ml}\n",
    "components/cnn.yaml": (
        "apiVersion: mlstack.dev/v1\nkind: Component\nprototype: kubeflow/tf-job/tf-cnn\nversion: 0.1.0\n"
        "# ours\nparams:\n  num_workers: 2  # two are enough\n"
    ),
    "environments/gke.yaml": (
        "apiVersion: mlstack.dev/v1\nkind: Environment\nid: gke\nplatform: gke\ncontext: gke\nnamespace: n\n"
        "component_params:\n  cnn:\n    num_gpus: 1  # an L4\n"
    ),
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def edit(root: Path, name: str, before: str, after: str) -> None:
    text = (root / name).read_text()
    assert before in text
    (root / name).write_text(text.replace(before, after))


def back(root: Path, former: dict[str, dict[str, object]]) -> tuple[list[str], list[str]]:
    files, notes = brought_back(Project.load(root), "gke", former)
    for file in files:
        file.save()
    return [file.file for file in files], notes


def test_what_is_remembered(root: Path) -> None:
    assert file_values(Project.load(root), "gke") == {
        "mlstack.yaml": {"params": {"team": "ml"}},
        "environments/gke.yaml": {"component_params": {"cnn": {"num_gpus": 1}}},
        "components/cnn.yaml": {
            "prototype": "kubeflow/tf-job/tf-cnn",
            "version": "0.1.0",
            "params": {"num_workers": 2},
        },
    }


def test_back_to_the_byte_with_comments(root: Path) -> None:
    former = file_values(Project.load(root), "gke")
    edit(root, "components/cnn.yaml", "num_workers: 2", "num_workers: 4")
    edit(root, "environments/gke.yaml", "    num_gpus: 1", "    spot: true\n    num_gpus: 1")
    assert back(root, former) == (["environments/gke.yaml", "components/cnn.yaml"], [])
    assert {name: (root / name).read_text() for name in FILES} == FILES
    assert back(root, former) == ([], [])


def test_what_is_no_value_of_a_revision_stays(root: Path) -> None:
    former = file_values(Project.load(root), "gke")
    edit(root, "environments/gke.yaml", "context: gke", "context: other\nprotected: true")
    assert back(root, former) == ([], [])


def test_a_component_that_went_is_made_anew_and_a_new_one_is_left(root: Path) -> None:
    former = file_values(Project.load(root), "gke")
    (root / "components/cnn.yaml").rename(root / "components/new.yaml")
    files, notes = back(root, former)
    assert files == ["components/cnn.yaml"]
    assert notes == [
        "components/new.yaml did not exist then and is left: `mlstack component rm new` removes it.",
    ]
    assert file_values(Project.load(root), "gke")["components/cnn.yaml"] == former["components/cnn.yaml"]
