from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import (
    CLUSTER_SCOPED,
    Key,
    as_manifests,
    cluster_kinds_of,
    is_namespaced,
    key_of,
    parse_manifests,
    pod_templates,
)
from mlstack.compose.places import Place, PlacedError

CRD: dict[str, Any] = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "things.example.com"},
    "spec": {"group": "example.com", "names": {"kind": "Thing"}, "scope": "Cluster"},
}


def manifest(api_version: str = "v1", kind: str = "ConfigMap", name: str = "a", **more: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **more}


def test_a_key_has_no_version() -> None:
    old = key_of({**manifest("apps/v1beta1", "Deployment"), "metadata": {"name": "a", "namespace": "n"}})
    assert (
        old
        == Key("apps", "Deployment", "n", "a")
        == key_of({**manifest("apps/v1", "Deployment"), "metadata": {"name": "a", "namespace": "n"}})
    )
    assert key_of(manifest()) == Key("", "ConfigMap", "", "a")
    assert str(old) == "Deployment/a"


@pytest.mark.parametrize(
    ("api_version", "kind", "namespaced"),
    [
        ("v1", "ConfigMap", True),
        ("v1", "Namespace", False),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", False),
        ("rbac.authorization.k8s.io/v1", "Role", True),
        ("storage.k8s.io/v1", "StorageClass", False),
        ("example.com/v1", "Thing", True),
        ("example.com/v1", "Namespace", True),
    ],
)
def test_custom_kinds_have_a_namespace_unless_told_otherwise(api_version: str, kind: str, namespaced: bool) -> None:
    assert is_namespaced(manifest(api_version, kind)) is namespaced


def test_a_crd_says_that_its_kind_has_no_namespace() -> None:
    kinds = cluster_kinds_of([CRD, {**CRD, "spec": {**CRD["spec"], "scope": "Namespaced", "names": {"kind": "B"}}}])
    assert kinds == {("example.com", "Thing")}
    assert not is_namespaced(manifest("example.com/v1", "Thing"), kinds)
    assert not kinds & CLUSTER_SCOPED


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


POD = {"spec": {"containers": [{"name": "main"}]}}


@pytest.mark.parametrize(
    ("spec", "paths"),
    [
        ({"template": POD}, ["spec.template"]),
        ({"jobTemplate": {"spec": {"template": POD}}}, ["spec.jobTemplate.spec.template"]),
        (
            {"tfReplicaSpecs": {"PS": {"template": POD}, "Worker": {"template": POD}}},
            ["spec.tfReplicaSpecs.PS.template", "spec.tfReplicaSpecs.Worker.template"],
        ),
        ({"jobs": [{"template": POD}]}, ["spec.jobs.0.template"]),
        ({"template": {"spec": {"containers": "none"}}}, []),
        ({"template": "text"}, []),
        (None, []),
    ],
)
def test_pod_templates_are_found_wherever_they_stand(spec: Any, paths: list[str]) -> None:
    found = list(pod_templates(manifest("example.com/v1", "Thing", spec=spec)))
    assert [".".join(path) for path, _ in found] == paths
    assert all(template is POD for _, template in found)


def test_a_crd_has_no_pod_templates() -> None:
    assert list(pod_templates({**CRD, "spec": {"template": POD}})) == []
