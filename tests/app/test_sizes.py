"""Decision 5: `scale` and the numbers that it stands for never stand in one layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from mlstack.app.sizes import refuse_two_sizes
from mlstack.compose.layers import Layer
from mlstack.compose.places import Place
from mlstack.compose.prototypes import parse_prototype
from mlstack.compose.render import Component
from mlstack.errors import MlstackError

TYPES = {"scale": "string", "num_workers": "integer", "num_gpus": "integer"}


def component(*layers: Mapping[str, Any], names: tuple[str, ...] = tuple(TYPES)) -> Component:
    """A job with these layers, whose values stand in a file of their own, in this order."""
    parameters = {name: {"type": [TYPES[name], "null"], "description": "x", "default": None} for name in names}
    head = {"apiVersion": "mlstack.dev/v1", "kind": "Prototype", "name": "job", "version": "1", "summary": "x"}
    prototype = parse_prototype({**head, "parameters": parameters}, {}, {}, {}, "r", "p", "s")
    found = [
        Layer(f"{at}.yaml", one, {name: Place(f"{at}.yaml", line) for line, name in enumerate(one, 1)})
        for at, one in enumerate(layers)
    ]
    return Component("cnn", prototype, tuple(found))


@pytest.mark.parametrize("name", ["num_workers", "num_gpus"])
def test_both_in_one_layer(name: str) -> None:
    with pytest.raises(MlstackError) as seen:
        refuse_two_sizes(component({}, {"scale": "max", name: 2}))
    assert seen.value.message == f"cnn: scale = max (1.yaml:1) and {name} = 2 (1.yaml:2) both say how large it is."


@pytest.mark.parametrize(
    "layers",
    [
        [{"scale": "max"}, {"num_workers": 2}],
        [{"num_workers": 2, "num_gpus": 1}, {"scale": "50%"}],
        [{"scale": "", "num_workers": 2}],
        [{"scale": "max", "num_gpus": None}],
    ],
)
def test_one_of_them_in_each(layers: list[dict[str, Any]]) -> None:
    refuse_two_sizes(component(*layers))


def test_a_prototype_may_call_something_else_so() -> None:
    refuse_two_sizes(component({"scale": "max", "num_workers": 2}, names=("num_workers",)))
