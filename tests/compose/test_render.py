from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose.layers import Layer
from mlstack.compose.patches import parse_patch
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype, parse_prototype
from mlstack.compose.render import Component, Rendered, Target, render, render_all
from mlstack.errors import MlstackError

MakePrototype = Callable[..., Prototype]

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: {{ name }}}\n"
LABELS = {
    "app.kubernetes.io/name": "tf-cnn",
    "app.kubernetes.io/instance": "cnn",
    "app.kubernetes.io/component": "cnn",
    "app.kubernetes.io/part-of": "demo",
    "app.kubernetes.io/managed-by": "mlstack",
}

JOB = """
apiVersion: example.com/v1
kind: TrainingJob
metadata:
  name: {{ name }}
spec:
  replicaSpecs:
    Worker:
      replicas: {{ params.num_workers }}
      template:
        spec:
          containers:
          - name: main
            image: {{ params.image }}
            {% if params.num_gpus %}
            resources: {{ {"limits": {platform.gpu.resource: params.num_gpus}} }}
            {% endif %}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ name ~ "-script" }}
  annotations: {mlstack.dev/config: {{ files["run.py"] | digest }}}
data:
  run.py: {{ files["run.py"] }}
"""
SCRIPT = "print('{{ not a template }}')\n"
PARAMETERS = {
    "num_workers": {"type": "integer", "minimum": 1, "default": 1},
    "num_gpus": {"type": "integer", "minimum": 0, "default": 0},
    "image": {"type": "string", "format": "image", "default": "tensorflow/tensorflow:2.17.0"},
}


@pytest.fixture
def job(make_prototype: MakePrototype) -> Prototype:
    return make_prototype(PARAMETERS, JOB, files={"run.py": SCRIPT}, lifecycle="run")


def component(prototype: Prototype | None, **values: Any) -> Component:
    places = dict.fromkeys(values, Place("components/cnn.yaml", 5))
    return Component("cnn", prototype, (Layer("components/cnn.yaml", values, places),) if values else ())


def test_a_component_becomes_objects(job: Prototype, target: Target) -> None:
    found = render(component(job, num_gpus=2), target)
    limits = {"limits": {"nvidia.com/gpu": 2}}
    container = {"name": "main", "image": "tensorflow/tensorflow:2.17.0", "resources": limits}
    pods = {"metadata": {"labels": LABELS}, "spec": {"containers": [container]}}
    assert found.manifests == (
        {
            "apiVersion": "example.com/v1",
            "kind": "TrainingJob",
            "metadata": {"name": "cnn", "namespace": "default", "labels": LABELS},
            "spec": {"replicaSpecs": {"Worker": {"replicas": 1, "template": pods}}},
        },
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "cnn-script",
                "namespace": "default",
                "labels": LABELS,
                "annotations": {"mlstack.dev/config": hashlib.sha256(SCRIPT.encode()).hexdigest()[:10]},
            },
            "data": {"run.py": SCRIPT},
        },
    )
    assert (found.component, found.prototype, found.lifecycle) == ("cnn", "kubeflow/tf-job/tf-cnn", "run")
    assert found.settings["num_gpus"].value == 2
    assert found.notes == ()


def test_the_same_again(job: Prototype, target: Target) -> None:
    assert render(component(job), target) == render(component(job), target)


def test_the_objects_of_one_render_are_its_own(job: Prototype, target: Target) -> None:
    first = render(component(job), target)
    first.manifests[1]["data"]["run.py"] = "changed"
    assert render(component(job), target).manifests[1]["data"]["run.py"] != "changed"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
WHERE = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
block: {{ params.x }}  # {{ params.x }}
sequence:
- {{ params.x }}
- {before: 1, inside: {{ params.x }}, after: [{{ params.x }}, {{ params.x }}]}
{{ "key" }}: {{ {"deep": [params.x]} }}
{% import "lib/l.j2" as l %}
macro:
  {{ l.again(params.x) | indent(2) }}
last: 1
"""
EVERYTHING = parse_prototype(
    {
        "apiVersion": "mlstack.dev/v1",
        "kind": "Prototype",
        "name": "p",
        "parameters": {"x": {"type": ["string", "number", "boolean", "array", "object", "null"], "default": None}},
    },
    {"a.yaml": WHERE},
    {},
    {"l.j2": "{% macro again(v) %}\none: {{ v }}\ntwo: {{ [v] }}\n{% endmacro %}\n"},
    "r",
    "q",
    "vendor/r/q/p",
)


@given(json_values)
def test_no_value_leaves_its_place(value: Any) -> None:
    # The parameter x, given as a default: layers take nulls out of maps.
    parameters = {**EVERYTHING.parameters, "x": replace(EVERYTHING.parameters["x"], default=value)}
    target = Target("demo", "id", "gke", "default")
    [found] = render(Component("c", replace(EVERYTHING, parameters=parameters)), target).manifests
    del found["metadata"]["labels"]
    assert repr(found) == repr(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "default"},
            "block": value,
            "sequence": [value, {"before": 1, "inside": value, "after": [value, value]}],
            "key": {"deep": [value]},
            "macro": {"one": value, "two": [value]},
            "last": 1,
        }
    )


def test_a_namespace_of_its_own_is_obeyed_and_said(job: Prototype, target: Target) -> None:
    found = render(component(job, namespace="team"), target)
    assert {m["metadata"]["namespace"] for m in found.manifests} == {"team"}
    assert found.notes == ("goes to namespace team, not gke's default (components/cnn.yaml:5).",)


def test_retired_parameters_are_said(make_prototype: MakePrototype, target: Target) -> None:
    prototype = make_prototype({}, HEAD, retired={"cloud": "the platform says it now"})
    found = render(component(prototype, cloud="gke"), target)
    assert found.notes == ("cloud has no effect any more: the platform says it now (components/cnn.yaml:5).",)


def test_patches_come_before_labels(job: Prototype, target: Target) -> None:
    patch = parse_patch(
        {"kind": "ConfigMap", "metadata": {"name": "cnn-script", "labels": {"a": "b"}}, "data": {"x": "y"}},
        Place("components/cnn.yaml", 9),
    )
    found = render(replace(component(job), patches=(patch,)), target)
    assert found.manifests[1]["metadata"]["labels"] == {"a": "b", **LABELS}
    assert set(found.manifests[1]["data"]) == {"run.py", "x"}


def plain(text: str, name: str = "extra") -> Component:
    return Component(name, None, plain=((Place(f"components/{name}/a.yaml"), text),))


def test_plain_manifests_are_placed_too(target: Target) -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}\n---\n" + (
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: other}}\n---\n"
        "{apiVersion: v1, kind: Namespace, metadata: {name: c}}"
    )
    found = render(plain(text), target)
    assert [m["metadata"].get("namespace") for m in found.manifests] == ["default", "other", None]
    assert {m["metadata"]["labels"]["app.kubernetes.io/name"] for m in found.manifests} == {"extra"}
    assert found.notes == ("ConfigMap/b stays in its own namespace other.",)
    assert (found.prototype, found.lifecycle, found.settings) == ("", "service", {})


@pytest.mark.parametrize("field", ["data: {a: YQ==}", "stringData: {a: b}"])
def test_a_secret_with_its_data_is_refused(field: str, target: Target) -> None:
    with pytest.raises(MlstackError) as caught:
        render(plain(f"apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{field}"), target)
    assert str(caught.value).startswith("components/extra/a.yaml: Secret/s has its data in the app's files.")
    assert "mlstack secret set ENV s KEY" in str(caught.value)


def test_two_components_cannot_make_the_same_object(target: Target) -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
    with pytest.raises(MlstackError, match="Components one and two both make ConfigMap/a in namespace default"):
        render_all([plain(text, "one"), plain(text, "two")], target)


def test_one_component_cannot_make_an_object_twice(target: Target) -> None:
    text = "{apiVersion: v1, kind: ConfigMap, metadata: {name: a}}"
    with pytest.raises(MlstackError, match="Component extra makes ConfigMap/a in namespace default twice"):
        render(plain(f"{text}\n---\n{text}"), target)


def test_a_crd_of_the_app_says_where_its_kind_lives(target: Target) -> None:
    crd = (
        "{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, metadata: {name: things.example.com},"
        " spec: {group: example.com, scope: Cluster, names: {kind: Thing}}}"
    )
    thing = "{apiVersion: example.com/v1, kind: Thing, metadata: {name: t}}"
    _, found = render_all([plain(crd, "crds"), plain(thing, "thing")], target)
    assert "namespace" not in found.manifests[0]["metadata"]
    [alone] = render(plain(thing), target).manifests
    assert alone["metadata"]["namespace"] == "default"


@pytest.mark.parametrize("name", ["a" * 64, "Cnn", "c_n", "-c"])
def test_a_bad_name_is_told_by_the_parameter_name(make_prototype: MakePrototype, target: Target, name: str) -> None:
    with pytest.raises(MlstackError, match="name must be"):
        render(component(make_prototype({}, HEAD), name=name), target)


def test_a_derived_name_that_is_too_long_is_told(make_prototype: MakePrototype, target: Target) -> None:
    job = make_prototype({}, "apiVersion: v1\nkind: Service\nmetadata: {name: {{ name ~ '-script' }}}\n")
    with pytest.raises(MlstackError) as caught:
        render(component(job, name="n" * 60), target)
    assert "name must have at most 56 characters, got nnn" in str(caught.value)
    assert str(caught.value).startswith("components/cnn.yaml:5: ")


def test_rendered_objects_are_plain_data(job: Prototype, target: Target) -> None:
    found: Rendered = render(component(job, num_gpus=1), target)
    text = yaml.dump_all(found.manifests, Dumper=yaml.CSafeDumper)
    assert list(yaml.load_all(text, yaml.CSafeLoader)) == list(found.manifests)
