from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.actions.params import set_param
from mlstack.actions.paramview import diff_params, explain_param, list_params
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_list_of_one_component_in_an_environment(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    rows = {row.name: row for row in list_params(sample.project(), "cnn", "gke")}
    assert (rows["num_gpus"].value, rows["num_gpus"].origin) == (1, "environments/gke.yaml:11")
    assert (rows["greeting"].value, rows["greeting"].default) == ("hello", True)
    assert rows["namespace"].origin == "the environment's namespace"
    assert {row.name: row.value for row in list_params(sample.project(), "cnn")}["num_gpus"] == 0


def test_list_of_all(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "")
    assert {row.component for row in list_params(sample.project())} == {"cnn", "hub"}
    sample.write("environments/gke.yaml", sample.read("environments/gke.yaml") + "components: [hub]\n")
    assert {row.component for row in list_params(sample.project(), None, "gke")} == {"hub"}


def test_a_missing_required_value_is_shown(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml").replace("params:\n  image: busybox:1\n", ""))
    row = next(row for row in list_params(sample.project(), "cnn") if row.name == "image")
    assert (row.missing, row.origin) == (True, "required, not given")


def test_diff(sample: Sample) -> None:
    assert diff_params(sample.project(), "minikube", "gke") == []
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    (row,) = diff_params(sample.project(), "minikube", "gke")
    assert (row.component, row.name, row.left, row.right) == ("cnn", "num_gpus", 0, 1)
    assert (row.left_place, str(row.right_place)) == (None, "environments/gke.yaml:11")
    assert diff_params(sample.project(), "minikube", "gke", "hub") == []


def test_diff_where_one_environment_does_not_take_a_component(sample: Sample) -> None:
    sample.write("environments/gke.yaml", sample.read("environments/gke.yaml") + "components: [hub]\n")
    rows = diff_params(sample.project(), "minikube", "gke")
    assert {(row.component, row.name): row.right for row in rows} == {("cnn", "name"): None, ("cnn", "image"): None}


def test_explain_shows_every_layer_the_nearest_first(sample: Sample) -> None:
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    set_param(sample.project(), "cnn", "num_gpus", "2")
    found = explain_param(sample.project(), "cnn", "numGpus", "gke")
    assert (found.name, found.value) == ("num_gpus", 1)
    said = [(step.where, step.value, step.wins) for step in found.steps]
    assert said == [
        ("environments/gke.yaml:11", 1, True),
        ("environments/gke.yaml params", None, False),
        ("components/cnn.yaml:8", 2, False),
        ("mlstack.yaml params", None, False),
        ("platform gke", None, False),
        ("prototype train 0.1.0", 0, False),
    ]
    assert found.steps[-1].note == "default; an integer >= 0, GPUs per worker"


def test_explain_without_an_environment_and_of_a_default(sample: Sample) -> None:
    found = explain_param(sample.project(), "cnn", "num_gpus")
    assert (found.environment, [step.wins for step in found.steps]) == ("", [False, False, True])


def test_explain_of_a_null_and_of_a_wrong_value(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml") + "  num_gpus: null\n  debug: maybe\n")
    steps = explain_param(sample.project(), "cnn", "num_gpus").steps
    assert steps[0].note == "unsets: back to the default"
    assert [step.wins for step in steps] == [False, False, True]
    assert explain_param(sample.project(), "cnn", "debug").value == "maybe"


def test_unknown_names(sample: Sample) -> None:
    with pytest.raises(MlstackError, match="Did you mean num_gpus"):
        explain_param(sample.project(), "cnn", "num_gpu", "gke")
