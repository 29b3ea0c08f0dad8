from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.app.assemble import assemble
from mlstack.compose.layers import resolve
from mlstack.errors import MlstackError

if TYPE_CHECKING:
    from tests.conftest import Sample

LOCAL = "  gke:\n"  # the file is there, with minikube in it
# Each layer in order, the farthest first: what it adds to which file.
LAYERS = [
    ("mlstack.yaml", "params: {num_gpus: 1}\n"),
    ("components/cnn.yaml", "  num_gpus: 2\n"),
    ("environments/gke.yaml", "params: {num_gpus: 3}\n"),
    ("environments/gke.yaml", "component_params: {cnn: {num_gpus: 4}}\n"),
    (".mlstack/local.yaml", LOCAL + "    params: {num_gpus: 5}\n"),
    (".mlstack/local.yaml", "    component_params: {cnn: {num_gpus: 6}}\n"),
]


def add(sample: Sample, path: str, text: str) -> None:
    sample.write(path, (sample.read(path) if (sample.root / path).exists() else "") + text)


def value(sample: Sample, name: str = "num_gpus", env: str = "gke", sets: tuple[str, ...] = ()) -> tuple[Any, str]:
    _, (cnn,) = assemble(sample.project(), env, sets, ["cnn"])
    assert cnn.prototype is not None
    setting = resolve(cnn.prototype, cnn.layers, "cnn")[name]
    return setting.value, str(setting.place)


def test_the_nearest_layer_wins_and_names_its_line(sample: Sample) -> None:
    assert value(sample) == (0, "None")
    for number, (path, text) in enumerate(LAYERS, start=1):
        add(sample, path, text)
        line = len(sample.read(path).splitlines())
        assert value(sample) == (number, f"{path}:{line}")
    assert value(sample, sets=("cnn.num_gpus=7",)) == (7, "--set")
    assert value(sample, env="minikube")[0] == 2


def test_maps_merge_through_the_layers(sample: Sample) -> None:
    add(sample, "components/cnn.yaml", "  labels: {a: x, b: x}\n")
    add(sample, "environments/gke.yaml", "component_params: {cnn: {labels: {b: y}}}\n")
    sets = ("cnn.labels.c=z", "cnn.labels.example.com/d=w")
    assert value(sample, "labels", sets=sets)[0] == {"a": "x", "b": "y", "c": "z", "example.com/d": "w"}


def test_the_target(sample: Sample) -> None:
    target, components = assemble(sample.project(), "gke")
    assert (target.app, target.app_id, target.environment, target.namespace) == ("app", "a1b2c3d4", "gke", "default")
    assert target.platform["name"] == "gke"
    assert [one.name for one in components] == ["cnn", "hub"]


def test_a_platforms_values_are_the_farthest(sample: Sample) -> None:
    _, (cnn,) = assemble(sample.project(), "gke", (), ["cnn"])
    assert cnn.layers[0].title == "platform gke"


def test_an_environments_components_are_obeyed(sample: Sample) -> None:
    add(sample, "environments/gke.yaml", "components: [hub]\n")
    assert [one.name for one in assemble(sample.project(), "gke")[1]] == ["hub"]
    with pytest.raises(MlstackError, match=r"gke does not take the component cnn.*environments/gke\.yaml:9"):
        assemble(sample.project(), "gke", (), ["cnn"])
    add(sample, "environments/minikube.yaml", "components: []\n")
    assert assemble(sample.project(), "minikube")[1] == []


def test_a_listed_component_that_the_app_does_not_have(sample: Sample) -> None:
    add(sample, "environments/gke.yaml", "components:\n- hub\n- cn\n")
    with pytest.raises(
        MlstackError, match=r"environments/gke\.yaml:11: This app has no component cn\. Did you mean cnn\?"
    ):
        assemble(sample.project(), "gke")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("num_gpus=1", "--set num_gpus=1: this is not COMPONENT.PARAM=VALUE."),
        ("cnn.num_gpus", "--set cnn.num_gpus: this is not COMPONENT.PARAM=VALUE."),
        ("cn.num_gpus=1", "This app has no component cn."),
        ("cnn.num_gpu=1", "train has no parameter num_gpu."),
        ("cnn.num_gpus=x", "num_gpus must be an integer >= 0 (GPUs per worker), got x"),
        ("own.x=1", "--set own.x=1: own is plain manifests and has no parameters."),
    ],
)
def test_sets_that_are_wrong(sample: Sample, text: str, sentence: str) -> None:
    sample.write("components/own/a.yaml", "")
    with pytest.raises(MlstackError) as caught:
        assemble(sample.project(), "gke", (text,))
    assert caught.value.message.startswith(sentence)


def test_a_set_value_may_hold_an_equals_sign(sample: Sample) -> None:
    assert value(sample, "greeting", sets=("cnn.greeting=a=b",))[0] == "a=b"


def test_plain_manifests_in_order_of_their_names(sample: Sample) -> None:
    sample.write("components/own/b.yaml", "b: 1\n")
    sample.write("components/own/a.yaml", "a: 1\n")
    _, (own,) = assemble(sample.project(), "gke", (), ["own"])
    assert [(str(place), text) for place, text in own.plain] == [
        ("components/own/a.yaml:1", "a: 1\n"),
        ("components/own/b.yaml:1", "b: 1\n"),
    ]
    assert own.prototype is None


def test_patches_of_the_component_and_of_the_environment(sample: Sample) -> None:
    patch = "- kind: ConfigMap\n  metadata: {name: cnn}\n  data: {x: y}\n"
    add(sample, "components/cnn.yaml", "patches:\n" + patch)
    add(sample, "environments/gke.yaml", "patches:\n  cnn:\n  " + patch.replace("\n", "\n  ").rstrip() + "\n")
    places = [str(one.place) for one in assemble(sample.project(), "gke", (), ["cnn"])[1][0].patches]
    assert places == ["components/cnn.yaml:9", "environments/gke.yaml:11"]
    assert len(assemble(sample.project(), "minikube", (), ["cnn"])[1][0].patches) == 1


def test_patches_must_be_a_list(sample: Sample) -> None:
    add(sample, "components/cnn.yaml", "patches: {kind: x}\n")
    with pytest.raises(MlstackError, match=r"components/cnn\.yaml:8: patches must be a list"):
        assemble(sample.project(), "gke")
