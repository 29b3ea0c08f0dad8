from __future__ import annotations

import json
from typing import Any

import pytest

from mlstack.compose.documents import as_manifests, parse_manifests
from mlstack.compose.manifests import key_of
from mlstack.compose.places import Place, PlacedError


def manifest(api_version: str = "v1", kind: str = "ConfigMap", name: str = "a", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def test_manifests_are_read_in_order_and_lists_taken_apart() -> None:
    text = """
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: ConfigMapList, items: [{apiVersion: v1, kind: ConfigMap, metadata: {name: b}}]}
---
# nothing here
---
{apiVersion: example.com/v1, kind: PriceList, metadata: {name: c}, items: [1]}
"""
    found = parse_manifests(text, Place("components/x.yaml"))
    assert [key_of(m).name for m in found] == ["a", "b", "c"]
    assert found[2]["items"] == [1]


@pytest.mark.parametrize("text", ["", "\n# only a comment\n", "---\n---\n"])
def test_empty_text_gives_no_manifest(text: str) -> None:
    assert parse_manifests(text, Place("a.yaml")) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- a", "a.yaml:1: this is a list, not a Kubernetes object."),
        ("\n\n3", "a.yaml:3: this is a number, not a Kubernetes object."),
        ("kind: A", "a.yaml:1: a Kubernetes object needs apiVersion."),
        ("apiVersion: v1\nkind: 3", "a.yaml:1: a Kubernetes object needs kind."),
        ("apiVersion: v1\nkind: A\nmetadata: {generateName: a-}", "a.yaml:1: this A needs a metadata.name."),
        ("{apiVersion: v1, kind: A, metadata: {name: 3}}", "a.yaml:1: this A needs a metadata.name."),
        ("{apiVersion: v1, kind: A, metadata: {name: a}}\n---\n{a: 1}", "a.yaml:3: a Kubernetes object needs"),
        ("{apiVersion: v1, kind: List, items: [{}]}", "a.yaml:1: a Kubernetes object needs apiVersion."),
    ],
)
def test_what_is_no_object_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PlacedError) as caught:
        parse_manifests(text, Place("a.yaml"))
    assert problem in caught.value.message


def test_one_document_is_checked_alone() -> None:
    assert as_manifests(manifest(), Place("a.yaml")) == [manifest()]


CONFIG = '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "%s"}, "data": {"a": "%s"}}'
FACE = chr(0x1F600)


def test_json_is_read_as_json() -> None:
    escaped = CONFIG % ("a", json.dumps(FACE).strip('"'))
    assert "\\ud83d" in escaped
    for between in ("", "\n", "\n---\n", "\n--- \n\n---\n"):
        found = parse_manifests(escaped + between + CONFIG % ("b", "\\/"), Place("x.json", 1))
        assert [(one["metadata"]["name"], one["data"]["a"]) for one in found] == [("a", FACE), ("b", "/")]


def test_flow_yaml_that_begins_like_json_is_yaml() -> None:
    (found,) = parse_manifests("{apiVersion: v1, kind: A, metadata: {name: a}, n: 0o17}", Place("x.yaml", 1))
    assert found["n"] == 15


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (CONFIG % ("a", "\\ud83d"), "x.json:1: this JSON has half of a surrogate pair"),
        ('\n\n{"apiVersion": "v1", "apiVersion": "v1"}', "x.json:3: broken YAML: the key apiVersion stands twice"),
        (CONFIG % ("a", "b") + "\n" + '{"kind": "A"}', "x.json:2: a Kubernetes object needs apiVersion"),
        ('{"a": NaN', "broken YAML"),
        ("[" * 2000, "broken YAML"),
    ],
)
def test_broken_json_is_told_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PlacedError) as caught:
        parse_manifests(text, Place("x.json", 1))
    assert problem in caught.value.message


WEB = """# two documents
apiVersion: v1
kind: ConfigMap
metadata: {name: a}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    - a
spec:
  replicas:
"""


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (WEB, "x.yaml:10: Deployment/web: metadata.labels must be a map, got a list."),
        (
            WEB.replace("labels:\n    - a", "x: 1").replace(
                "replicas:", "template: {spec: {containers: [{name: []}]}}"
            ),
            "x.yaml:12: Deployment/web: spec.template.spec.containers[0].name must be a text, got a list.",
        ),
        (
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: a}\n",
            "x.yaml:1: CustomResourceDefinition/a: spec must be set.",
        ),
        (
            "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {name: a}\n  spec: 3\n",
            "x.yaml:7: Service/a: spec must be a map, got a number.",
        ),
    ],
)
def test_another_shape_is_refused_with_its_line(text: str, problem: str) -> None:
    with pytest.raises(PlacedError) as caught:
        parse_manifests(text, Place("x.yaml", 1))
    assert caught.value.message == problem


def test_null_is_kept_as_it_is_written() -> None:
    (_, found) = parse_manifests(WEB.replace("\n    - a", ""), Place("x.yaml", 1))
    assert found["metadata"]["labels"] is None
    assert found["spec"] == {"replicas": None}
