from __future__ import annotations

import copy
from typing import Any

import pytest

from mlstack.compose.serverset import ANNOTATIONS, MARKS, without_server_fields

LAST_APPLIED = ANNOTATIONS[0]


def manifest(version: str, kind: str, metadata: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "a", **(metadata or {})}, **fields}


OWNERS = [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "1b4e28ba-2fa1-11d2-883f-0016d3cca427"}]


@pytest.mark.parametrize(
    "metadata",
    [
        {},
        {"uid": None},
        {"annotations": {LAST_APPLIED: "{}"}, "finalizers": ["x"]},
        {"ownerReferences": OWNERS},
    ],
)
def test_what_a_person_wrote_stays_as_it_is(metadata: dict[str, Any]) -> None:
    written = manifest("v1", "Service", metadata, spec={"clusterIP": "10.0.0.1"}, status={})
    assert without_server_fields(written) == (written, ())


@pytest.mark.parametrize("mark", MARKS)
def test_each_mark_alone_tells_that_it_comes_from_a_cluster(mark: str) -> None:
    found, dropped = without_server_fields(manifest("v1", "ConfigMap", {mark: "1"}, data={"k": ""}, status={"x": 1}))
    assert found == manifest("v1", "ConfigMap", data={"k": ""})
    assert dropped == (f"metadata.{mark}", "status")


def test_an_owner_in_another_cluster_goes_lest_the_garbage_collector_deletes_the_object() -> None:
    found, dropped = without_server_fields(manifest("v1", "ConfigMap", {"uid": "1", "ownerReferences": OWNERS}))
    assert found == manifest("v1", "ConfigMap")
    assert dropped == ("metadata.uid", "metadata.ownerReferences")


def test_only_the_servers_annotations_go_and_a_map_left_empty_with_them() -> None:
    known = dict.fromkeys(ANNOTATIONS, "x")
    found, dropped = without_server_fields(manifest("v1", "ConfigMap", {"uid": "1", "annotations": known}))
    assert found == manifest("v1", "ConfigMap")
    assert dropped == ("metadata.uid", *(f"metadata.annotations[{name}]" for name in ANNOTATIONS))
    kept = {"team": "ml", "mlstack.dev/stage": "operators"}
    found, _ = without_server_fields(manifest("v1", "ConfigMap", {"uid": "1", "annotations": {**known, **kept}}))
    assert found["metadata"]["annotations"] == kept


@pytest.mark.parametrize(
    ("version", "kind", "spec", "left"),
    [
        ("v1", "Service", {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"], "type": "NodePort"}, ["type"]),
        ("v1", "Service", {"clusterIP": "None", "clusterIPs": ["None"]}, ["clusterIP", "clusterIPs"]),
        ("serving.knative.dev/v1", "Service", {"clusterIP": "10.0.0.1"}, ["clusterIP"]),
        ("v1", "PersistentVolumeClaim", {"volumeName": "pvc-1", "storageClassName": "ssd"}, ["storageClassName"]),
        ("v1", "Pod", {"nodeName": "n1", "containers": []}, ["containers"]),
        ("batch/v1", "Job", {"selector": {"matchLabels": {}}, "suspend": False}, ["suspend"]),
        ("apps/v1", "Deployment", {"selector": {"matchLabels": {}}, "replicas": 0}, ["selector", "replicas"]),
    ],
)
def test_values_of_one_cluster_go_by_kind_and_group(
    version: str, kind: str, spec: dict[str, Any], left: list[str]
) -> None:
    found, dropped = without_server_fields(manifest(version, kind, {"uid": "1"}, spec=spec))
    assert found["spec"] == {name: spec[name] for name in left}
    assert set(dropped) == {"metadata.uid", *(f"spec.{name}" for name in spec if name not in left)}


def test_a_jobs_own_labels_go_and_those_of_its_user_stay() -> None:
    own = {"batch.kubernetes.io/controller-uid": "1", "controller-uid": "1", "job-name": "a"}
    template = {"metadata": {"labels": {**own, "team": "ml"}}, "spec": {}}
    job = manifest("batch/v1", "Job", {"uid": "1", "labels": dict(own)}, spec={"template": template})
    before = copy.deepcopy(job)
    found, dropped = without_server_fields(job)
    assert "labels" not in found["metadata"]
    assert found["spec"]["template"] == {"metadata": {"labels": {"team": "ml"}}, "spec": {}}
    assert len(dropped) == 1 + 2 * len(own)
    assert job == before, "the caller's manifest is left as it is"
