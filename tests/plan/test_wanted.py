from __future__ import annotations

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.inventory import Owner, is_ours
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
    assert all(is_ours(one.manifest, OWNER) for one in found)
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
