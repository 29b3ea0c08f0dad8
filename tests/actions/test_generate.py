from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.actions.generate import generate
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample

HEADER = "# All parameters: mlstack prototype describe train\napiVersion: mlstack.dev/v1\nkind: Component\n"


def test_generate_installs_the_package_and_stores_what_was_given(empty_app: Sample) -> None:
    params = {"name": "cnn", "image": "busybox:1", "numGpus": "2", "labels.team": "007", "namespace": "default"}
    done = generate(empty_app.project(), "train", "cnn", params)
    assert done.summary == (
        "Installed package demo/jobs 0.1.0 (a folder).",
        "Created components/cnn.yaml from prototype train. Parameters: mlstack prototype describe train",
    )
    assert empty_app.read("components/cnn.yaml") == (
        HEADER + "prototype: demo/jobs/train\nversion: 0.1.0\nparams:\n  image: busybox:1\n  num_gpus: 2\n"
        '  labels:\n    team: "007"\n  namespace: default\n'
    )
    assert generate(empty_app.project(), "train", "other", {"image": "x"}).installed == ""


def test_without_parameters_there_is_nothing_to_store(empty_app: Sample) -> None:
    done = generate(empty_app.project(), "hub", None, {"name": "my-hub"})
    assert (done.component, done.params) == ("my-hub", {})
    assert "params" not in empty_app.read("components/my-hub.yaml")


def test_a_name_of_the_objects_own_is_stored(empty_app: Sample) -> None:
    generate(empty_app.project(), "hub", "front", {"name": "web"})
    assert empty_app.project().component("front").params == {"name": "web"}


def test_a_retired_parameter_is_accepted_in_one_line(empty_app: Sample) -> None:
    done = generate(empty_app.project(), "train", "cnn", {"image": "x", "cloud": "gke"})
    assert "cloud has no effect any more: the platform says it now." in done.summary
    assert "cloud" not in empty_app.read("components/cnn.yaml")


@pytest.mark.parametrize(
    ("prototype", "name", "params", "sentence"),
    [
        ("trian", "cnn", {}, "There is no prototype trian. Did you mean train?"),
        ("train", "cnn", {}, "train needs image (an image"),
        ("train", "cnn", {"image": "x", "num_gpu": "1"}, "train has no parameter num_gpu. Did you mean num_gpus?"),
        ("train", "cnn", {"image": "x", "num_gpus": "x"}, "num_gpus must be an integer >= 0 (GPUs per worker), got x"),
        ("train", "CNN", {"image": "x"}, "'CNN' cannot be the name of a component"),
        ("train", "../cnn", {"image": "x"}, "'../cnn' cannot be the name of a component"),
    ],
)
def test_nothing_is_written_on_an_error(
    empty_app: Sample, prototype: str, name: str, params: dict[str, str], sentence: str
) -> None:
    before = empty_app.tree()
    with pytest.raises(MlstackError) as caught:
        generate(empty_app.project(), prototype, name, params)
    assert str(caught.value).startswith(sentence)
    assert empty_app.tree() == before


def test_a_taken_name(sample: Sample) -> None:
    with pytest.raises(MlstackError, match=r"The component cnn is there already \(components/cnn\.yaml\)"):
        generate(sample.project(), "train", "cnn", {"image": "x"})
    sample.write("components/own/a.yaml", "")
    with pytest.raises(MlstackError, match=r"components/own/"):
        generate(sample.project(), "hub", "own")
