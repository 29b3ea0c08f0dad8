from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import (
    CLUSTER_SCOPED,
    Key,
    cluster_kinds_of,
    is_namespaced,
    key_of,
    pod_templates,
)

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


def test_what_is_added_to_sparks_pods_is_no_pod() -> None:
    def application(**container: str) -> dict[str, Any]:
        template = {"spec": {"containers": [{"name": "spark-kubernetes-driver", **container}]}}
        return {"kind": "SparkApplication", "metadata": {"name": "pi"}, "spec": {"driver": {"template": template}}}

    assert list(pod_templates(application())) == []
    assert [path for path, _ in pod_templates(application(image="spark:4"))] == [("spec", "driver", "template")]
