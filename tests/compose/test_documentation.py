"""docs/prototypes.md is true: its example renders, its filters and names are those that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from mlstack.bundled import bundled
from mlstack.compose.filters import template_filters
from mlstack.compose.layers import Layer
from mlstack.compose.prototypes import check_prototype, parse_prototype
from mlstack.compose.render import Component, Target, render

PAGE = Path(__file__).parents[2] / "docs" / "prototypes.md"


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


def test_the_example_renders(page: str, target: Target) -> None:
    description, template = re.findall(r"```(?:yaml|jinja)\n(.*?)```", page, re.DOTALL)[:2]
    data = yaml.load(description, yaml.CSafeLoader)
    library = {"lib/pods.yaml": (bundled("prototypes") / "lib" / "pods.yaml").read_text("utf-8")}
    prototype = parse_prototype(data, {"a.yaml": template}, {"train.py": "x\n"}, library, "r", "q", "v")
    check_prototype(prototype)
    values = Layer("c", {"model_path": "gs://a", "numGpus": 1, "cloud": "gke"})
    found = render(Component("cnn", prototype, (values,)), target)
    [settings] = found.manifests
    assert settings["metadata"]["name"] == "cnn-settings"
    data = {"model": "gs://a", "settings.yaml": "gpus: 1\n", "train.py": "x\n", "gpu": "nvidia.com/gpu"}
    assert settings["data"] == data
    assert found.notes == ("cloud has no effect any more: the environment's platform says it now.",)


def test_the_filters_are_those_that_there_are(page: str) -> None:
    section = page.partition("### Filters")[2].partition("###")[0]
    told = set(re.findall(r"`([a-z]+)[`(]", section)) - {"safe"}
    told |= set(re.split(r",\s+", section.partition("Of Jinja's own: ")[2].partition(".")[0]))
    assert told == set(template_filters()) - {"d", "string"}
