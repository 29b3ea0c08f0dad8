"""Decide which rendered objects have a namespace: certain for built-in kinds and known CRDs, else the cluster tells."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from mlstack.compose.manifests import CLUSTER_SCOPED, Manifest, group_of
from mlstack.plan.kinds import GroupKind, kind_of

# The groups of which CLUSTER_SCOPED is complete: all that kube-apiserver serves itself.
BUILT_IN = frozenset(
    {group for group, _ in CLUSTER_SCOPED}
    | {"apps", "autoscaling", "batch", "coordination.k8s.io", "discovery.k8s.io", "events.k8s.io", "extensions"}
    | {"policy"},
)


def defined_kinds(manifests: Iterable[Manifest]) -> set[GroupKind]:
    """The kinds that CustomResourceDefinitions among the objects define."""
    specs = [m.get("spec") or {} for m in manifests if m["kind"] == "CustomResourceDefinition"]
    return {(str(spec.get("group")), str((spec.get("names") or {}).get("kind"))) for spec in specs}


def is_unknown(manifest: Manifest, defined: Collection[GroupKind]) -> bool:
    """Whether only a cluster can tell if the object's kind has a namespace."""
    group, kind = group_of(manifest), manifest["kind"]
    return group not in BUILT_IN and (group, kind) not in defined and kind_of(group, kind).namespaced is None


def unplaced(manifest: Manifest) -> Manifest:
    """The object without a namespace, as the cluster has one whose kind is cluster-scoped."""
    metadata: dict[str, Any] = {name: value for name, value in manifest["metadata"].items() if name != "namespace"}
    return {**manifest, "metadata": metadata}


def unknown_notes(manifests: Iterable[Manifest], defined: Collection[GroupKind]) -> tuple[str, ...]:
    """A sentence on each kind for which a namespace was assumed."""
    asked = [one for one in manifests if is_unknown(one, defined) and one["metadata"].get("namespace")]
    found = {f"{one['kind']} ({one['apiVersion']})": one["metadata"]["namespace"] for one in asked}
    return tuple(
        f"{kind} is shown in namespace {namespace}: no CRD in the app tells whether the kind is cluster-scoped. "
        "apply asks the cluster."
        for kind, namespace in sorted(found.items())
    )
