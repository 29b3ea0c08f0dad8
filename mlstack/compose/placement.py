"""Where an app's objects belong: their namespace, and the labels that say whose they are (decision 7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from mlstack.compose.manifests import Manifest, copied, is_namespaced, pod_templates

_PREFIX = "app.kubernetes.io/"


def labels(prototype: str, component: str, app: str) -> dict[str, str]:
    """The five labels; a component of plain manifests has its own name for a prototype."""
    return {
        f"{_PREFIX}name": prototype or component,
        f"{_PREFIX}instance": component,
        f"{_PREFIX}component": component,
        f"{_PREFIX}part-of": app,
        f"{_PREFIX}managed-by": "mlstack",
    }


def place(
    manifests: Sequence[Manifest],
    labels: Mapping[str, str],
    namespace: str,
    cluster_kinds: Collection[tuple[str, str]] = (),
) -> tuple[tuple[Manifest, ...], tuple[str, ...]]:
    """Copies of `manifests` with namespace and labels, and a note on each that stays in another namespace."""
    placed = tuple(_placed(manifest, labels, namespace, cluster_kinds) for manifest in manifests)
    notes = (_note(manifest, namespace) for manifest in placed)
    return placed, tuple(note for note in notes if note)


def _placed(
    manifest: Manifest, labels: Mapping[str, str], namespace: str, cluster_kinds: Collection[tuple[str, str]]
) -> Manifest:
    found: Manifest = copied(manifest)
    rest = {k: v for k, v in found["metadata"].items() if k not in ("name", "namespace", "labels")}
    metadata: dict[str, Any] = {"name": found["metadata"]["name"]}
    if is_namespaced(manifest, cluster_kinds):
        metadata["namespace"] = found["metadata"].get("namespace") or namespace
    own = found["metadata"].get("labels") or {}
    # A label that the user wrote stays: a selector, or another tool, may go by it (decision 44).
    missing = {name: value for name, value in labels.items() if name not in own}
    found["metadata"] = {**metadata, "labels": {**own, **missing}, **rest}
    for _, template in pod_templates(found):
        _label_pods(template, labels)
    return found


def _label_pods(template: Manifest, labels: Mapping[str, str]) -> None:
    metadata = template.get("metadata") or {}
    # A selector may name a label that stands here already: it stays as it is.
    template["metadata"] = {**metadata, "labels": {**labels, **(metadata.get("labels") or {})}}


def _note(manifest: Manifest, namespace: str) -> str:
    own = manifest["metadata"].get("namespace", namespace)
    if own == namespace:
        return ""
    return f"{manifest['kind']}/{manifest['metadata']['name']} stays in its own namespace {own}."
