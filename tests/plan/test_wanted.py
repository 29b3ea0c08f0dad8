from __future__ import annotations

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Owner, part_of
from mlstack.plan.runs import RUN_ANNOTATION
from mlstack.plan.stages import ACCESS, WORKLOADS
from mlstack.plan.wanted import wanted_objects

OWNER = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")


def make(api: str, kind: str, name: str = "x", **annotations: str) -> Manifest:
    metadata = {"name": name, "namespace": "n", "annotations": annotations}
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": {}}


def test_labelled_staged_and_in_order() -> None:
    job, config = make("batch/v1", "Job"), make("v1", "ConfigMap")
    found = wanted_objects({"train": [job, config]}, OWNER)
    assert [(one.key.kind, one.stage, one.component) for one in found] == [
        ("ConfigMap", ACCESS, "train"),
        ("Job", WORKLOADS, "train"),
    ]
    assert all(part_of(one.manifest) == OWNER.set_id for one in found)
    assert found[0].run == ""
    assert found[1].manifest["metadata"]["annotations"][RUN_ANNOTATION] == found[1].run != ""


def test_shared_objects_say_so() -> None:
    role = make("rbac.authorization.k8s.io/v1", "ClusterRole", **{"mlstack.dev/shared": "true"})
    account = make("v1", "ServiceAccount", **{"mlstack.dev/shared-with": "ClusterRole/x"})
    one, two = wanted_objects({"core": [role, account]}, OWNER)
    assert {one.key.kind: (one.shared, one.shared_with) for one in (one, two)} == {
        "ClusterRole": (True, ""),
        "ServiceAccount": (False, "ClusterRole/x"),
    }


def test_two_components_may_not_make_the_same_object() -> None:
    with pytest.raises(MlstackError, match="ConfigMap/x is rendered twice: by component a and by b"):
        wanted_objects({"a": [make("v1", "ConfigMap")], "b": [make("v1", "ConfigMap")]}, OWNER)


def test_what_an_autoscaler_sizes_has_no_size_of_its_own() -> None:
    sized = {**make("apps/v1", "Deployment"), "spec": {"replicas": 2, "paused": False}}
    other = {**make("apps/v1", "Deployment", "y"), "spec": {"replicas": 2}}
    scaler = {
        **make("autoscaling/v2", "HorizontalPodAutoscaler"),
        "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "x"}},
    }
    found = {
        one.key.name: one.manifest
        for one in wanted_objects({"a": [sized, other, scaler]}, OWNER)
        if one.key.kind == "Deployment"
    }
    assert found["x"]["spec"] == {"paused": False}
    assert found["y"]["spec"] == {"replicas": 2}
