from __future__ import annotations

from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import adoption

LAST = adoption.LAST_APPLIED


def entry(manager: str, operation: str, **fields: Any) -> dict[str, Any]:
    owned: dict[str, Any] = {f"f:{name}": {} for name in fields}
    return {"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsV1": {"f:data": owned}}


def object_of(*entries: dict[str, Any], **annotations: str) -> Manifest:
    metadata = {"name": "a", "resourceVersion": "7", "managedFields": list(entries), "annotations": annotations}
    return {"metadata": metadata, "data": {"x": "1", "y": "2"}}


def test_what_we_render_becomes_ours_and_the_rest_stays_without_an_owner() -> None:
    said = '{"data": {"x": "1", "y": "2"}}'  # w is a default
    live = object_of(entry(adoption.KUBECTL, "Update", w=1, x=1, y=1), entry("ann", "Apply", z=1), **{LAST: said})
    applied = object_of(*live["metadata"]["managedFields"], entry("us", "Apply", x=1, new=1))
    found = adoption.hand_over(live, applied, "us")
    version, managed, dropped = found.operations
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    fields = {(one["manager"], one["operation"]): one["fieldsV1"]["f:data"] for one in managed["value"]}
    assert fields == {
        ("ann", "Apply"): {"f:z": {}},
        ("us", "Apply"): {"f:x": {}},  # not what is new: it is not there yet
    }
    assert dropped["path"] == "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"
    assert found.words == (
        f"adopted from kubectl (client-side apply); dropped: annotation {LAST}; kept as they are: data.y, data.z"
    )


def test_a_helm_release_is_named() -> None:
    marks = {adoption.RELEASE: "web", adoption.RELEASE_NAMESPACE: "prod"}
    live = object_of(entry("helm", "Apply", x=1), **marks)
    found = adoption.hand_over(live, object_of(entry("us", "Apply", x=1)), "us")
    assert len(found.operations) == 4
    assert [one["manager"] for one in found.operations[1]["value"]] == ["us"]
    assert "Helm release prod/web" in found.words
    assert "helm uninstall web" in found.words


def test_others_are_adopted_without_a_handover() -> None:
    live = object_of(entry("ann", "Apply", x=1))
    found = adoption.hand_over(live, object_of(entry("us", "Apply", x=1)), "us")
    assert (found.operations, found.words) == ((), "adopted from ann")
    assert adoption.former_owner(live) == ""


TREE: dict[str, Any] = {"f:a": {".": {}, "f:b": {}, 'k:{"name":"x"}': {".": {}, "f:name": {}}}, "f:c": {}}


def test_trees() -> None:
    assert adoption.minus(TREE, {"f:a": {"f:b": {}}}) == {
        "f:a": {".": {}, 'k:{"name":"x"}': {".": {}, "f:name": {}}},
        "f:c": {},
    }
    assert adoption.minus(TREE, TREE) == {}
    assert adoption.common(TREE, {"f:a": {"f:b": {}, "f:z": {}}, "f:d": {}}) == {"f:a": {"f:b": {}}}
    assert adoption.union({"f:a": {"f:b": {}}}, {"f:a": {"f:c": {}}, "f:d": {}}) == {
        "f:a": {"f:b": {}, "f:c": {}},
        "f:d": {},
    }
    assert list(adoption.leaf_paths(TREE)) == ["a.b", "a[x]", "c"]
