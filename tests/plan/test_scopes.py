from __future__ import annotations

from typing import Any

import pytest

from mlstack.cluster.kinds import WELL_KNOWN
from mlstack.compose.manifests import Manifest
from mlstack.plan.scopes import BUILT_IN, defined_kinds, is_unknown, unknown_notes, unplaced

CRD: Manifest = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "flavors.kk.io"},
    "spec": {"group": "kk.io", "names": {"kind": "Flavor"}, "scope": "Cluster"},
}


def make(api: str, kind: str, **metadata: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "n", **metadata}}


@pytest.mark.parametrize(
    ("api", "kind", "unknown"),
    [
        ("v1", "ConfigMap", False),
        ("resource.k8s.io/v1", "ResourceClaim", False),
        ("batch/v1", "Job", False),
        ("kubeflow.org/v1", "TFJob", False),
        ("trainer.kubeflow.org/v1alpha1", "TrainJob", False),
        ("kk.io/v1", "Flavor", True),
        ("gateway.networking.k8s.io/v1", "GatewayClass", True),
    ],
)
def test_what_only_a_cluster_can_tell(api: str, kind: str, unknown: bool) -> None:
    assert is_unknown(make(api, kind), ()) is unknown


def test_the_crd_of_the_app_tells() -> None:
    assert defined_kinds([CRD, make("v1", "ConfigMap")]) == {("kk.io", "Flavor")}
    assert not is_unknown(make("kk.io/v2", "Flavor"), defined_kinds([CRD]))


def test_every_group_of_the_servers_own_kinds_is_known() -> None:
    assert {resource.group for resource in WELL_KNOWN.values()} <= BUILT_IN


def test_an_object_without_namespace() -> None:
    one = make("kk.io/v1", "Flavor", labels={"a": "b"})
    assert unplaced(one)["metadata"] == {"name": "x", "labels": {"a": "b"}}
    assert one["metadata"]["namespace"] == "n"


def test_an_assumed_namespace_is_said_once_a_kind() -> None:
    two = [make("kk.io/v1", "Flavor"), make("kk.io/v1", "Flavor", name="y"), make("v1", "ConfigMap")]
    (note,) = unknown_notes(two, ())
    assert note.startswith("Flavor (kk.io/v1) is shown in namespace n: no CRD in the app tells whether")
    assert unknown_notes([*two, CRD], defined_kinds([CRD])) == ()
