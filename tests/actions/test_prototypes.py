from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.actions.prototypes import PrototypeInfo, describe_prototype, list_or_describe, list_prototypes, preview
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_list(sample: Sample) -> None:
    found = list_prototypes(sample.project())
    assert [(one.package, one.name, one.installed) for one in found] == [
        ("demo/hubs", "my-hub", True),
        ("demo/jobs", "train", True),
    ]


@pytest.mark.parametrize(
    ("word", "names"), [("HUB", ["my-hub"]), ("training", ["train"]), ("jobs", ["train"]), ("x!", [])]
)
def test_search_looks_at_names_and_summaries(empty_app: Sample, word: str, names: list[str]) -> None:
    assert [one.name for one in list_prototypes(empty_app.project(), word)] == names


def test_list_of_a_prototype_shows_its_parameters(empty_app: Sample) -> None:
    found = list_or_describe(empty_app.project(), "train")
    assert isinstance(found, PrototypeInfo)
    assert (found.lifecycle, found.installed, found.retired) == ("run", False, {"cloud": "the platform says it now"})
    image, gpus = found.parameters[0], next(one for one in found.parameters if one.name == "num_gpus")
    assert (image.name, image.required) == ("image", True)
    assert (gpus.type, gpus.default, gpus.unit, gpus.aliases) == ("integer", 0, "GPUs per worker", ("numGpus",))
    assert gpus.allowed == "an integer >= 0, GPUs per worker"
    assert isinstance(list_or_describe(empty_app.project(), "a"), list)


def test_the_announcements_prototypes_without_an_app() -> None:
    assert {"kubeflow-core", "tf-job", "tf-cnn", "tf-serving"} <= {one.name for one in list_prototypes(None)}
    assert "num_gpus" in {one.name for one in describe_prototype(None, "tf-job").parameters}


def test_preview_writes_nothing(empty_app: Sample) -> None:
    before = empty_app.tree()
    (manifest,) = preview(empty_app.project(), "train", {"image": "x", "num_gpus": "3", "name": "try"}, "gke")
    assert (manifest["metadata"]["name"], manifest["data"]["gpus"]) == ("try", "3")
    assert manifest["metadata"]["annotations"] == {"demo/on": "gke"}
    assert empty_app.tree() == before


def test_preview_of_what_is_missing(empty_app: Sample) -> None:
    with pytest.raises(MlstackError, match=r"train needs image.*--image=VALUE"):
        preview(empty_app.project(), "train")
