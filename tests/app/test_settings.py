from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.app.settings import all_settings, component_in, one_setting
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample


def test_a_missing_required_value_does_not_hide_the_others(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml").replace("image: busybox:1", "num_gpus: 2"))
    settings = all_settings(sample.project(), "cnn", None)
    assert (settings["image"].value, settings["num_gpus"].value) == (None, 2)


def test_one_value_can_be_looked_at_while_it_and_others_are_wrong(sample: Sample) -> None:
    sample.write("components/cnn.yaml", sample.read("components/cnn.yaml") + "  num_gpus: many\n  nope: 1\n")
    component = component_in(sample.project(), "cnn", None)
    setting = one_setting(component, "numGpus", "default")
    assert (setting.value, str(setting.place)) == ("many", "components/cnn.yaml:8")
    with pytest.raises(MlstackError, match=r"components/cnn\.yaml:8: num_gpus must be"):
        one_setting(component, "num_gpus", "default", check=True)


def test_the_environments_namespace_is_the_default(sample: Sample) -> None:
    project = sample.project()
    assert all_settings(project, "cnn", project.environment("gke"))["namespace"].value == "default"


def test_plain_manifests_have_no_settings(sample: Sample) -> None:
    sample.write("components/own/a.yaml", "")
    assert all_settings(sample.project(), "own", None) == {}
    with pytest.raises(MlstackError, match="plain manifests"):
        one_setting(component_in(sample.project(), "own", None), "x", "default")
