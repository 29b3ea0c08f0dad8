"""Manifests that were read from a cluster (`kubectl get -o yaml`): without the fields that its server has set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.compose.manifests import Manifest, group_of

# One of these tells that an object comes from a cluster.
MARKS = ("uid", "resourceVersion", "managedFields", "selfLink", "creationTimestamp", "generation")
# An owner's UID is one of that cluster, too: the garbage collector of another one deletes the object as an orphan.
DROPPED = (*MARKS, "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds")
ANNOTATIONS = (
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/revision",
    "deprecated.daemonset.template.generation",
    "pv.kubernetes.io/bind-completed",
    "pv.kubernetes.io/bound-by-controller",
    "volume.kubernetes.io/storage-provisioner",
    "volume.beta.kubernetes.io/storage-provisioner",
    "volume.kubernetes.io/selected-node",
)
_JOB_LABELS = ("controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name")
# Values of one cluster that another one refuses, or never has.
_SPECS: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("", "Service"): ("spec.clusterIP", "spec.clusterIPs"),
    ("", "PersistentVolumeClaim"): ("spec.volumeName",),
    ("", "Pod"): ("spec.nodeName",),
    ("batch", "Job"): (
        "spec.selector",
        *(f"{place}.labels[{name}]" for place in ("metadata", "spec.template.metadata") for name in _JOB_LABELS),
    ),
}


def without_server_fields(manifest: Manifest) -> tuple[Manifest, tuple[str, ...]]:
    """The manifest as a person would have written it, and the paths that were left out; as it is if none wrote it."""
    metadata = manifest["metadata"]
    if not any(metadata.get(mark) is not None for mark in MARKS):
        return manifest, ()
    paths = [f"metadata.{name}" for name in DROPPED]
    paths += [f"metadata.annotations[{name}]" for name in ANNOTATIONS]
    paths += [path for path in _SPECS.get((group_of(manifest), manifest["kind"]), ()) if not _headless(manifest, path)]
    dropped = []
    for path in (*paths, "status"):
        manifest, found = _without(manifest, _steps(path))
        if found:
            dropped.append(path)
    return manifest, tuple(dropped)


def _headless(manifest: Manifest, path: str) -> bool:
    return path.startswith("spec.clusterIP") and (manifest.get("spec") or {}).get("clusterIP") == "None"


def _steps(path: str) -> list[str]:
    plain, _, key = path.partition("[")
    return [*plain.split("."), *([key.removesuffix("]")] if key else [])]


def _without(value: Any, steps: list[str]) -> tuple[Any, bool]:
    """A copy without the field, and whether it was there; a map that this leaves empty goes with it."""
    if not isinstance(value, Mapping) or steps[0] not in value:
        return value, False
    rest = {key: below for key, below in value.items() if key != steps[0]}
    if len(steps) == 1:
        return rest, True
    below, found = _without(value[steps[0]], steps[1:])
    if not found:
        return value, False
    return ({**value, steps[0]: below} if below else rest), True
