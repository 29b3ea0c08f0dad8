from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.actions.packages import describe_package, install_package, list_packages, remove_package
from mlstack.actions.updates import plan_update
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mlstack.app.project import Project
    from tests.conftest import Sample


@pytest.mark.parametrize("typed", ["demo/jobs", "jobs", "demo/jobs@0.1.0"])
def test_install(empty_app: Sample, typed: str) -> None:
    assert install_package(empty_app.project(), typed).summary == ("Installed package demo/jobs 0.1.0 (a folder).",)
    before = empty_app.tree()
    again = install_package(empty_app.project(), typed)
    assert again.summary == ("Package demo/jobs 0.1.0 is installed already.",)
    assert empty_app.tree() == before


def test_the_built_in_packages_of_the_announcement(empty_app: Sample) -> None:
    project = empty_app.project()
    project.app.set(["registries", "kubeflow"], "built-in")
    project.app.save()
    for name in ("core", "tf-serving", "tf-job"):
        done = install_package(empty_app.project(), f"kubeflow/{name}")
        assert done.summary == (f"Installed package kubeflow/{name} {done.version} (built in).",)


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("demo/job", "Registry demo has no package job. Did you mean jobs?"),
        ("dmo/jobs", "This app knows no registry dmo. Did you mean demo?"),
        ("job", "There is no package job. Did you mean jobs?"),
        ("demo/jobs/train", "A package is named REGISTRY/PACKAGE, got demo/jobs/train. Its package: demo/jobs"),
        ("demo/", "A package is named REGISTRY/PACKAGE, got demo/. The packages of all registries: mlstack pkg list"),
        ("demo/jobs@2.0.0", "Registry demo has jobs 0.1.0, and no 2.0.0."),
    ],
)
def test_what_cannot_be_installed(empty_app: Sample, typed: str, sentence: str) -> None:
    before = empty_app.tree()
    with pytest.raises(MlstackError) as caught:
        install_package(empty_app.project(), typed)
    assert str(caught.value) == sentence
    assert empty_app.tree() == before


@pytest.mark.parametrize("verb", [describe_package, remove_package, install_package, plan_update])
def test_the_name_of_a_prototype_is_no_package(sample: Sample, verb: Callable[[Project, str], object]) -> None:
    with pytest.raises(MlstackError, match="A package is named REGISTRY/PACKAGE, got demo/jobs/train"):
        verb(sample.project(), "demo/jobs/train")


def test_a_new_release_changes_nothing_until_it_is_asked_for(sample: Sample) -> None:
    text = (sample.registry / "jobs" / "package.yaml").read_text().replace("0.1.0", "0.2.0")
    (sample.registry / "jobs" / "package.yaml").write_text(text)
    assert not install_package(sample.project(), "demo/jobs").changed
    done = install_package(sample.project(), "demo/jobs", force=True)
    assert (done.version, done.changed) == ("0.2.0", True)


def test_remove_is_refused_while_a_component_uses_it(sample: Sample) -> None:
    with pytest.raises(MlstackError, match=r"The component cnn uses demo/jobs \(components/cnn\.yaml:4\)"):
        remove_package(sample.project(), "demo/jobs")
    (sample.root / "components" / "cnn.yaml").unlink()
    assert remove_package(sample.project(), "jobs").summary == ("Removed package demo/jobs.",)
    with pytest.raises(MlstackError, match="The package demo/jobs is not installed in this app"):
        remove_package(sample.project(), "demo/jobs")


def test_list_and_describe(sample: Sample) -> None:
    remove = sample.root / "components" / "hub.yaml"
    remove.unlink()
    remove_package(sample.project(), "demo/hubs")
    assert [(one.name, one.installed) for one in list_packages(sample.project())] == [("hubs", ""), ("jobs", "0.1.0")]
    assert [one.name for one in list_packages(sample.project(), only_installed=True)] == ["jobs"]
    assert describe_package(sample.project(), "hubs").prototypes == (("my-hub", "A hub for people"),)
    assert describe_package(sample.project(), "demo/jobs").installed == "0.1.0"
