from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.actions.components import list_components, remove_component
from mlstack.actions.params import set_param
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_list(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "")
    found = {one.name: one for one in list_components(sample.project())}
    assert (found["cnn"].prototype, found["cnn"].lifecycle) == ("demo/jobs/train", "run")
    assert (found["own"].prototype, found["own"].file) == ("", "components/own/")


def test_rm_takes_what_environments_say_of_it(sample: Sample) -> None:
    gke = sample.read("environments/gke.yaml")
    sample.write("environments/gke.yaml", gke + "components:\n- cnn\n- hub\n")
    set_param(sample.project(), "cnn", "num_gpus", "1", "gke")
    set_param(sample.project(), "cnn", "num_gpus", "2", "minikube", local=True)
    done = remove_component(sample.project(), "cnn")
    assert done.edited == ("environments/gke.yaml", ".mlstack/local.yaml")
    assert sample.read("environments/gke.yaml") == gke + "components:\n- hub\n"
    assert "cnn" not in sample.read(".mlstack/local.yaml")
    assert sample.project().component_names == ("hub",)
    assert done.summary[0].startswith("Removed components/cnn.yaml and its entries in environments/gke.yaml")


def test_rm_of_the_only_listed_component_leaves_none_not_all(sample: Sample) -> None:
    sample.write("environments/gke.yaml", sample.read("environments/gke.yaml") + "components: [cnn]\n")
    remove_component(sample.project(), "cnn")
    assert sample.project().environment("gke").components == []


def test_manifests_of_the_users_own_are_left_to_the_user(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "")
    with pytest.raises(MlstackError, match="components/own/ holds manifests of your own"):
        remove_component(sample.project(), "own")
    with pytest.raises(MlstackError, match=r"no component cn\. Did you mean cnn"):
        remove_component(sample.project(), "cn")
