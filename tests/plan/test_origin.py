from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.places import Place
from mlstack.plan.origin import origins

CONTAINER = {"name": "a", "image": "x y", "stdin": True, "env": [{"value": "5000"}]}
MANIFEST: dict[str, Any] = {
    "spec": {
        "replicas": 2,
        "template": {"spec": {"containers": [CONTAINER]}},
        "size": -17,
        "numWorkers": 3,
    }
}
PLACE = Place("environments/gke.yaml", 9)
SETTINGS = {
    name: Setting(name, value, "here", PLACE)
    for name, value in {
        "model_image": "x y",
        "replicas": 2,
        "others": 2,
        "workers": 3,
        "size": -17,
        "debug": True,
        "port": 5000,
        "nothing": None,
        "empty": "",
    }.items()
}
CASES = {
    "spec.template.spec.containers[0].image": ["model_image = x y, at environments/gke.yaml:9"],
    '.spec.template.spec.containers[name="a"].image': ["model_image = x y, at environments/gke.yaml:9"],
    "spec.replicas": ["replicas = 2, at environments/gke.yaml:9"],  # by its name: another has that value too
    "spec.numWorkers": ["workers = 3, at environments/gke.yaml:9"],
    "spec.size": ["size = -17, at environments/gke.yaml:9"],
    "spec.template.spec.containers[0].env[0].value": ["port = 5000, at environments/gke.yaml:9"],
    "spec.template.spec.containers[0].stdin": [],  # debug is true as well, which says nothing
    "spec.missing": [],
    "": [],
}


@pytest.mark.parametrize("field", CASES)
def test_the_parameter_behind_a_field(field: str) -> None:
    assert origins([field], MANIFEST, SETTINGS) == CASES[field]


def test_each_is_told_once() -> None:
    assert len(origins(["spec.size", "spec.size"], MANIFEST, SETTINGS)) == 1
