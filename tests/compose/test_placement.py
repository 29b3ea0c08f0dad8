from __future__ import annotations

import copy
from typing import Any

from mlstack.compose.placement import labels, place

LABELS = labels("tf-cnn", "cnn", "demo")


def manifest(spec: Any = None, kind: str = "Deployment", **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "a", **metadata}, "spec": spec or {}}


def placed(one: dict[str, Any], **more: Any) -> dict[str, Any]:
    [found], _ = place([one], LABELS, "team", **more)
    return found


def test_the_five_labels() -> None:
    assert LABELS == {
        "app.kubernetes.io/name": "tf-cnn",
        "app.kubernetes.io/instance": "cnn",
        "app.kubernetes.io/component": "cnn",
        "app.kubernetes.io/part-of": "demo",
        "app.kubernetes.io/managed-by": "mlstack",
    }
    assert labels("", "extra", "demo")["app.kubernetes.io/name"] == "extra"


def test_objects_get_namespace_and_labels_beside_their_own() -> None:
    found = placed(manifest(labels={"a": "b", "app.kubernetes.io/managed-by": "helm"}, annotations={"c": "d"}))
    assert found["metadata"] == {
        "name": "a",
        "namespace": "team",
        "labels": {**LABELS, "a": "b", "app.kubernetes.io/managed-by": "helm"},
        "annotations": {"c": "d"},
    }
    assert list(found["metadata"]) == ["name", "namespace", "labels", "annotations"]


def test_selectors_and_claims_are_left_alone() -> None:
    spec = {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": []}},
        "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
    }
    found = placed(manifest(spec, "StatefulSet"))["spec"]
    assert found["selector"] == {"matchLabels": {"app": "a"}}
    assert found["volumeClaimTemplates"] == [{"metadata": {"name": "data"}}]
    assert found["template"]["metadata"]["labels"] == {**LABELS, "app": "a"}


def test_a_label_that_a_selector_may_use_stays_on_pods() -> None:
    template = {"metadata": {"labels": {"app.kubernetes.io/name": "mine"}}, "spec": {"containers": []}}
    found = placed(manifest({"template": template}))
    assert found["spec"]["template"]["metadata"]["labels"]["app.kubernetes.io/name"] == "mine"
    assert found["metadata"]["labels"]["app.kubernetes.io/name"] == "tf-cnn"


def test_pods_of_all_replica_specs_are_labelled() -> None:
    pods: dict[str, Any] = {"template": {"spec": {"containers": []}}}
    found = placed(manifest({"tfReplicaSpecs": {"PS": pods, "Worker": pods}}, "TFJob"))
    templates = [spec["template"] for spec in found["spec"]["tfReplicaSpecs"].values()]
    assert [template["metadata"]["labels"] for template in templates] == [LABELS, LABELS]


def test_kinds_without_namespace_get_none() -> None:
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "a"}}
    assert "namespace" not in placed(role)["metadata"]
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"}}
    assert placed(thing)["metadata"]["namespace"] == "team"
    assert "namespace" not in placed(thing, cluster_kinds={("example.com", "Thing")})["metadata"]


def test_an_object_in_another_namespace_stays_there_and_is_noted() -> None:
    found, notes = place([manifest(namespace="other"), manifest(namespace="team")], LABELS, "team")
    assert [m["metadata"]["namespace"] for m in found] == ["other", "team"]
    assert notes == ("Deployment/a stays in its own namespace other.",)


def test_the_given_objects_are_not_changed() -> None:
    one = manifest({"template": {"spec": {"containers": []}}})
    before = copy.deepcopy(one)
    placed(one)
    assert one == before
