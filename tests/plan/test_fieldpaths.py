from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.plan import fieldpaths

POD: Manifest = {
    "metadata": {"labels": {"a.b/c": "1", "a": "2"}, "finalizers": ["x/y"]},
    "spec": {
        "containers": [{"name": "x", "ports": [{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}]}],
        "args": ["-a", "-b"],
    },
}

VALUES = [
    (".spec.containers[name=\"x\"].name", "x"),
    ("spec.containers[x].name", "x"),
    ("spec.containers[*].name", "x"),
    (".spec.containers[name=\"x\"].ports[containerPort=80,protocol=\"TCP\"]", {"containerPort": 80}),
    (".spec.containers[name=\"x\"].ports[containerPort=80,protocol=\"UDP\"].protocol", "UDP"),
    ("spec.containers[x].ports[80,UDP].protocol", "UDP"),
    (".metadata.labels[a.b/c]", "1"),
    (".metadata.labels.a.b/c", "1"),
    (".metadata.labels.a", "2"),
    ("metadata.finalizers[=\"x/y\"]", "x/y"),
    ("metadata.finalizers[x/y]", "x/y"),
    ("spec.args[1]", "-b"),
    ("spec.args.name", None),
    (".spec.containers[name=\"y\"].name", None),
    (".spec.missing.more", None),
]  # fmt: skip


@pytest.mark.parametrize(("path", "value"), VALUES)
def test_value_at(path: str, value: Any) -> None:
    assert fieldpaths.value_at(POD, path) == value


SPELLED = [
    (".spec.containers[name=\"x\"].ports[containerPort=80,protocol=\"TCP\"]", "spec.containers[x].ports[80]"),
    (".metadata.labels.a.b/c", "metadata.labels[a.b/c]"),
    (".spec.args[0]", "spec.args[0]"),
    (".spec.nothing", "spec.nothing"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "ours"), SPELLED)
def test_the_servers_paths_are_spelled_as_ours(path: str, ours: str) -> None:
    assert fieldpaths.spelled(POD, path) == ours


def test_all_places_of_a_pattern() -> None:
    found = fieldpaths.locations(POD, "metadata.labels[*]")
    assert found == [("metadata", "labels", "a.b/c"), ("metadata", "labels", "a")]
    assert len(fieldpaths.locations(POD, "spec.containers[*].ports[*].containerPort")) == 2


def test_without_shares_the_rest() -> None:
    (steps,) = fieldpaths.locations(POD, "metadata.labels.a")
    less = fieldpaths.without(POD, steps)
    assert less["metadata"]["labels"] == {"a.b/c": "1"}
    assert POD["metadata"]["labels"]["a"] == "2"
    assert less["spec"] is POD["spec"]
    assert fieldpaths.without(POD, ("spec", "args", 0))["spec"]["args"] == ["-b"]


OWNED = [
    ({"f:spec": {"f:containers": {'k:{"name":"x"}': {"f:name": {}}}}}, "spec.containers[x].name", True),
    ({"f:spec": {"f:containers": {'k:{"name":"y"}': {"f:name": {}}}}}, "spec.containers[x].name", False),
    ({"f:spec": {"f:containers": {'k:{"name":"x"}': {".": {}}}}}, "spec.containers[x].name", False),
    ({"f:spec": {"f:args": {}}}, "spec.args[0]", True),
    ({"f:metadata": {"f:labels": {"f:a": {}}}}, "metadata.labels.a", True),
    ({"f:metadata": {"f:labels": {"f:a": {}}}}, "metadata.labels[a.b/c]", False),
    ({"f:spec": {}}, "spec.args", True),
]


@pytest.mark.parametrize(("owned", "path", "expected"), OWNED)
def test_owners(owned: dict[str, Any], path: str, expected: bool) -> None:
    live = {"metadata": {"managedFields": [{"manager": "hpa", "fieldsV1": owned}]}}
    (steps,) = fieldpaths.locations(POD, path)
    assert fieldpaths.owners(live, POD, steps) == (["hpa"] if expected else [])
