from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.layers import Layer, Setting, Step, merge, resolve, retired_notes
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError

MakePrototype = Callable[..., Prototype]

PARAMETERS = {
    "num_gpus": {"type": "integer", "minimum": 0, "default": 0, "unit": "GPUs per worker"},
    "limits": {"type": "object", "default": {"cpu": "1", "memory": "1Gi"}},
    "tags": {"type": "array", "default": ["a"]},
    "memory": {"type": "string", "format": "quantity", "default": None},
    "model_path": {"type": "string"},
}
COMPONENT = Place("components/cnn.yaml", 5)
GKE = Place("environments/gke.yaml", 9)


@pytest.fixture
def prototype(make_prototype: MakePrototype) -> Prototype:
    return make_prototype(
        PARAMETERS,
        required=["model_path"],
        aliases={"numGpus": "num_gpus", "gpus": "num_gpus"},
        retired={"cloud": "the platform says it now"},
    )


def values(prototype: Prototype, *layers: dict[str, Any]) -> dict[str, Any]:
    stacked = [Layer(f"layer {n}", layer) for n, layer in enumerate([{"model_path": "x"}, *layers])]
    return {name: setting.value for name, setting in resolve(prototype, stacked, "cnn", "team").items()}


def test_without_layers_the_defaults_hold(prototype: Prototype) -> None:
    assert values(prototype) == {
        "name": "cnn",
        "namespace": "team",
        "num_gpus": 0,
        "limits": {"cpu": "1", "memory": "1Gi"},
        "tags": ["a"],
        "memory": None,
        "model_path": "x",
    }


@pytest.mark.parametrize(
    ("layers", "name", "value"),
    [
        ([{"num_gpus": 1}], "num_gpus", 1),
        ([{"num_gpus": 1}, {"num_gpus": 2}], "num_gpus", 2),
        ([{"num_gpus": 1}, {"num_gpus": None}], "num_gpus", 0),
        ([{"num_gpus": 1}, {"num_gpus": None}, {}], "num_gpus", 0),
        ([{"num_gpus": 1}, {"num_gpus": None}, {"num_gpus": 3}], "num_gpus", 3),
        ([{"numGpus": 4}], "num_gpus", 4),
        ([{"num_gpus": 1}, {"gpus": 5}], "num_gpus", 5),
        ([{"num_gpus": 2.0}], "num_gpus", 2),
        ([{"tags": ["b"]}, {"tags": ["c", "d"]}], "tags", ["c", "d"]),
        ([{"tags": []}], "tags", []),
        ([{"limits": {"gpu": 1}}], "limits", {"cpu": "1", "memory": "1Gi", "gpu": 1}),
        ([{"limits": {"cpu": "2"}}, {"limits": {"gpu": 1}}], "limits", {"cpu": "2", "memory": "1Gi", "gpu": 1}),
        ([{"limits": {"cpu": "2"}}, {"limits": {"cpu": None}}], "limits", {"cpu": "1", "memory": "1Gi"}),
        ([{"limits": {"gpu": 1}}, {"limits": {"gpu": None}}], "limits", {"cpu": "1", "memory": "1Gi"}),
        ([{"limits": {"cpu": "2"}}, {"limits": None}], "limits", {"cpu": "1", "memory": "1Gi"}),
        ([{"memory": 4}], "memory", "4"),
        ([{"name": "other"}], "name", "other"),
        ([{"namespace": "mine"}], "namespace", "mine"),
    ],
)
def test_the_nearest_layer_wins(prototype: Prototype, layers: list[dict[str, Any]], name: str, value: Any) -> None:
    assert values(prototype, *layers)[name] == value


def test_a_wide_layer_holds_where_the_parameter_is_declared(prototype: Prototype) -> None:
    wide = Layer("mlstack.yaml", {"num_gpus": 2, "storage_class": "fast", "cloud": "gke"}, wide=True)
    found = resolve(prototype, [wide, Layer("c", {"model_path": "x"})], "cnn")
    assert found["num_gpus"].value == 2
    assert "storage_class" not in found
    assert retired_notes(prototype, [wide]) == ()


def test_every_layer_is_told(prototype: Prototype) -> None:
    layers = [
        Layer("mlstack.yaml", {}, wide=True),
        Layer("components/cnn.yaml", {"numGpus": 3, "model_path": "x"}, {"numGpus": COMPONENT}),
        Layer("environments/gke.yaml", {"num_gpus": 1}, {"num_gpus": GKE}),
    ]
    assert resolve(prototype, layers, "cnn")["num_gpus"] == Setting(
        name="num_gpus",
        value=1,
        layer="environments/gke.yaml",
        place=GKE,
        trail=(
            Step("default", True, 0),
            Step("mlstack.yaml", False),
            Step("components/cnn.yaml", True, 3, COMPONENT),
            Step("environments/gke.yaml", True, 1, GKE),
        ),
    )


def test_an_unset_value_is_told_and_comes_from_the_default(prototype: Prototype) -> None:
    layers = [Layer("a", {"num_gpus": 3, "model_path": "x"}), Layer("b", {"num_gpus": None}, {"num_gpus": GKE})]
    found = resolve(prototype, layers, "cnn")["num_gpus"]
    assert (found.value, found.layer, found.place) == (0, "default", None)
    assert found.trail[-1] == Step("b", True, None, GKE)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"num_gpu": 1},
            "environments/gke.yaml:9: cnn: tf-cnn has no parameter num_gpu. Did you mean num_gpus? "
            "(mlstack prototype describe tf-cnn)",
        ),
        (
            {"num_gpus": "1"},
            'environments/gke.yaml:9: num_gpus must be an integer >= 0 (GPUs per worker), got "1".',
        ),
        (
            {"num_gpus": -1},
            "environments/gke.yaml:9: num_gpus must be an integer >= 0 (GPUs per worker), got -1.",
        ),
        (
            {"num_gpus": 1, "gpus": 2},
            "cnn: num_gpus and gpus are the same parameter (environments/gke.yaml:9): keep one.",
        ),
        ({"limits": 3}, "environments/gke.yaml:9: limits must be a map, got 3."),
    ],
)
def test_a_wrong_value_is_told_with_its_place(prototype: Prototype, given: dict[str, Any], message: str) -> None:
    layers = [Layer("c", {"model_path": "x"}), Layer("environments/gke.yaml", given, dict.fromkeys(given, GKE))]
    with pytest.raises(MlstackError) as caught:
        resolve(prototype, layers, "cnn")
    assert str(caught.value) == message


def test_a_wrong_value_without_a_place_is_told_by_its_layer(prototype: Prototype) -> None:
    with pytest.raises(MlstackError, match=r"cnn \(--set\): num_gpus must be"):
        resolve(prototype, [Layer("--set", {"num_gpus": "x", "model_path": "y"})], "cnn")


def test_a_wrong_part_of_a_map_is_told_where_it_stands(make_prototype: MakePrototype) -> None:
    limits = {"type": "object", "default": {}, "additionalProperties": {"type": "integer"}}
    layers = [
        Layer("a", {"limits": {"gpu": "x"}}, {"limits": COMPONENT, "limits.gpu": Place("components/cnn.yaml", 6)}),
        Layer("b", {"limits": {"cpu": 1}}, {"limits": GKE}),
    ]
    with pytest.raises(MlstackError, match=r"^components/cnn.yaml:6: limits\.gpu must be an integer, got x\.$"):
        resolve(make_prototype({"limits": limits}), layers, "cnn")


@pytest.mark.parametrize("layers", [[], [Layer("a", {"model_path": "x"}), Layer("b", {"model_path": None})]])
def test_a_missing_required_value_says_how_to_set_it(prototype: Prototype, layers: list[Layer]) -> None:
    with pytest.raises(MlstackError) as caught:
        resolve(prototype, layers, "cnn")
    assert str(caught.value) == "cnn needs model_path (text). Set it: mlstack param set cnn model_path VALUE"


def test_a_masked_wrong_value_does_no_harm(prototype: Prototype) -> None:
    assert values(prototype, {"num_gpus": "x"}, {"num_gpus": 1})["num_gpus"] == 1


def test_retired_names_are_noted(prototype: Prototype) -> None:
    layers = [Layer("c", {"cloud": "gke", "model_path": "x"}, {"cloud": COMPONENT}), Layer("e", {"cloud": "gke"})]
    assert resolve(prototype, layers, "cnn")["model_path"].value == "x"
    assert retired_notes(prototype, layers) == (
        "cloud has no effect any more: the platform says it now (components/cnn.yaml:5).",
        "cloud has no effect any more: the platform says it now.",
    )


@pytest.mark.parametrize(
    ("path", "line"),
    [(("a",), 1), (("a", "b"), 2), (("a", "b", "c"), 2), (("a", "x.y"), 1), (("z",), None)],
)
def test_the_nearest_known_place(path: tuple[str, ...], line: int | None) -> None:
    layer = Layer("l", {}, {"a": Place("f", 1), "a.b": Place("f", 2)})
    found = layer.place(*path)
    assert (found.line if found else None) == line


@pytest.mark.parametrize(
    ("base", "over", "default", "merged"),
    [
        ({"a": 1}, {"b": {"c": None, "d": 1}}, None, {"a": 1, "b": {"d": 1}}),
        ({"a": {"b": 1}}, {"a": [1]}, None, {"a": [1]}),
        ({"a": [1]}, {"a": {"b": 1}}, None, {"a": {"b": 1}}),
        ({"a": {"b": 2}}, {"a": {"b": None}}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        (1, 2, None, 2),
        ({"a": 1}, 2, None, 2),
        (None, {"a": None}, None, {}),
    ],
)
def test_merging(base: Any, over: Any, default: Any, merged: Any) -> None:
    assert merge(base, over, default) == merged


def test_merging_changes_neither_side() -> None:
    base, over = {"a": {"b": 1}}, {"a": {"c": 2}}
    merge(base, over)
    assert (base, over) == ({"a": {"b": 1}}, {"a": {"c": 2}})
