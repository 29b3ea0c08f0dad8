from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.app.prototypes import available, find_prototype, prototype_of
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


@pytest.mark.parametrize("typed", ["my-hub", "hubs/my-hub", "demo/hubs/my-hub", "hub"])
def test_how_a_prototype_may_be_named(empty_app: Sample, typed: str) -> None:
    package, name = find_prototype(empty_app.project(), typed)
    assert (package.qualified, name) == ("demo/hubs", "my-hub")


def test_core_means_kubeflow_core_without_an_app() -> None:
    package, name = find_prototype(None, "core")
    assert (package.qualified, name) == ("kubeflow/core", "kubeflow-core")


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("tran", "There is no prototype tran. Did you mean train? (mlstack prototype list)"),
        ("rain", "There is no prototype rain."),
        ("other/hubs/my-hub", "There is no prototype other/hubs/my-hub."),
    ],
)
def test_an_unknown_prototype(empty_app: Sample, typed: str, sentence: str) -> None:
    with pytest.raises(MlstackError) as caught:
        find_prototype(empty_app.project(), typed)
    assert str(caught.value).startswith(sentence)


def test_two_of_one_name_must_be_told_apart(empty_app: Sample) -> None:
    project = empty_app.project()
    project.app.set(["registries", "twin"], "../registry")
    project.app.save()
    with pytest.raises(MlstackError, match=r"Several prototypes are called train: demo/jobs/train, twin/jobs/train\."):
        find_prototype(empty_app.project(), "train")
    assert find_prototype(empty_app.project(), "twin/jobs/train")[0].registry == "twin"


def test_what_is_vendored_comes_before_what_the_registry_has_now(sample: Sample) -> None:
    (sample.registry / "jobs" / "train" / "prototype.yaml").write_text("broken: [\n")
    folders = {package.qualified: package.folder for package in available(sample.project())}
    assert folders["demo/jobs"] == sample.root.resolve() / "vendor" / "demo" / "jobs"


def test_a_registry_that_is_gone_or_far_offers_nothing(empty_app: Sample) -> None:
    project = empty_app.project()
    for name, address in (("gone", "./gone"), ("far", "https://example.com/x.git")):
        project.app.set(["registries", name], address)
    assert {package.registry for package in available(project)} == {"demo"}


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ("demo/jobs/train", "train", "components/cnn.yaml:4: prototype must be REGISTRY/PACKAGE/PROTOTYPE"),
        ("demo/jobs/train", "demo/job/train", "components/cnn.yaml:4: the package demo/job is not installed"),
        ("demo/jobs/train", "demo/jobs/trai", "components/cnn.yaml:4: demo/jobs has no prototype trai."),
        ("version: 0.1.0", "version: 0.9.0", "components/cnn.yaml:5: cnn asks for train 0.9.0, and the app's package"),
    ],
)
def test_a_component_that_names_nothing_known(sample: Sample, before: str, after: str, sentence: str) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml").replace(before, after))
    project = sample.project()
    with pytest.raises(MlstackError) as caught:
        prototype_of(project, project.component("cnn"))
    assert caught.value.message.startswith(sentence)


def test_plain_manifests_have_no_prototype(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "")
    project = sample.project()
    with pytest.raises(MlstackError, match="own is plain manifests and has no parameters"):
        prototype_of(project, project.component("own"))
