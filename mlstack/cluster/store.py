"""One object that keeps data of ours in the cluster (the inventory, a receipt), written only as it was read."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest


@dataclass(frozen=True)
class Parent:
    """The object as plain data. `kind` is ConfigMap or Secret; values are text (a Secret's are encoded on the way).

    `version` is the resourceVersion it was read at; "" means that it is not there.
    """

    kind: str
    namespace: str
    name: str
    data: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    version: str = ""
    uid: str = ""


def read(client: Client, parent: Parent) -> Parent:
    """The object as it is in the cluster; the one given (at version "") if it is not there."""
    found = objects.find(client, well_known("v1", parent.kind), parent.namespace, parent.name)
    return _parsed(parent, found) if found else replace(parent, version="", uid="")


def write(client: Client, parent: Parent, *, manager: str) -> Parent:
    """Stores it: creates it at version "", else replaces it; the object at its new version.

    Labels and annotations that others put there meanwhile go, as in any replacement: write what was read, changed.
    Raises ConflictError or AlreadyExistsError if somebody else wrote since it was read, NotFoundError if it went (or
    its namespace).
    """
    resource = well_known("v1", parent.kind)
    manifest = _manifest(parent)
    if not parent.version:
        return _parsed(parent, objects.create(client, resource, manifest, manager=manager))
    return _parsed(parent, objects.update(client, resource, manifest, manager=manager))


def remove(client: Client, parent: Parent) -> bool:
    """Deletes it, if it is still the one that was read; False if it is gone already."""
    resource = well_known("v1", parent.kind)
    return objects.delete(client, resource, parent.namespace, parent.name, uid=parent.uid)


def _manifest(parent: Parent) -> Manifest:
    metadata: dict[str, Any] = {
        "name": parent.name,
        "namespace": parent.namespace,
        "labels": dict(parent.labels),
        "annotations": dict(parent.annotations),
    }
    if parent.version:
        metadata["resourceVersion"] = parent.version
    content = "data" if parent.kind == "ConfigMap" else "stringData"
    manifest: Manifest = {"apiVersion": "v1", "kind": parent.kind, "metadata": metadata, content: dict(parent.data)}
    return manifest


def _parsed(parent: Parent, found: Manifest) -> Parent:
    metadata = found["metadata"]
    data = found.get("data") or {}
    return replace(
        parent,
        data=data if parent.kind == "ConfigMap" else _decoded(data),
        labels=metadata.get("labels") or {},
        annotations=metadata.get("annotations") or {},
        version=metadata["resourceVersion"],
        uid=metadata["uid"],
    )


def _decoded(data: Mapping[str, str]) -> dict[str, str]:
    return {key: b64decode(value).decode() for key, value in data.items()}
