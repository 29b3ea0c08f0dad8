"""Which changes Kubernetes cannot make in place, and which interrupt somebody: two small tables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.model import FieldChange
from mlstack.plan.stages import WORKLOADS

EXEMPT_ANNOTATION = "mlstack.dev/disruption"  # "none": a restart of this workload interrupts nobody

# The fields that the API server refuses to change (k8s.io/kubernetes pkg/apis/*/validation, ValidateXUpdate).
IMMUTABLE: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("apps", "Deployment"): ("spec.selector",),
    ("apps", "DaemonSet"): ("spec.selector",),
    ("apps", "ReplicaSet"): ("spec.selector",),
    ("apps", "StatefulSet"): (
        "spec.selector",
        "spec.serviceName",
        "spec.volumeClaimTemplates",
        "spec.podManagementPolicy",
    ),
    ("batch", "Job"): ("spec.selector", "spec.template", "spec.completionMode"),
    ("", "Service"): ("spec.clusterIP", "spec.clusterIPs"),
    ("", "PersistentVolumeClaim"): (
        "spec.accessModes",
        "spec.storageClassName",
        "spec.volumeName",
        "spec.volumeMode",
        "spec.selector",
    ),
    ("", "Pod"): ("spec",),
    ("", "Secret"): ("type",),
    ("rbac.authorization.k8s.io", "RoleBinding"): ("roleRef",),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): ("roleRef",),
    ("storage.k8s.io", "StorageClass"): (
        "provisioner",
        "parameters",
        "reclaimPolicy",
        "volumeBindingMode",
    ),
    ("scheduling.k8s.io", "PriorityClass"): ("value", "preemptionPolicy"),
}
RESTARTED = frozenset({("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet")})
DATA_KINDS = frozenset({("", "PersistentVolumeClaim")})


def immutable_fields(key: Key, fields: Iterable[FieldChange], live: Manifest) -> tuple[str, ...]:
    """The paths among `fields` that cannot be changed in place."""
    known = IMMUTABLE.get((key.group, key.kind), ())
    if live.get("immutable") is True:
        known = (*known, "data", "binaryData", "immutable")
    return tuple(change.path for change in fields if any(_below(change.path, path) for path in known))


def _below(path: str, parent: str) -> bool:
    return path == parent or path.startswith((f"{parent}.", f"{parent}["))


def interruption(key: Key, fields: Iterable[FieldChange], live: Manifest, stage: int) -> str:
    """What a change interrupts, in words; "" if nobody notices. Operators may restart at any time."""
    if (key.group, key.kind) not in RESTARTED or stage != WORKLOADS or _exempt(live):
        return ""
    running = (live.get("status") or {}).get("readyReplicas", 0)
    if not running or not any(_below(change.path, "spec.template") for change in fields):
        return ""
    return f"restarts {key.name} ({running} running {'pod' if running == 1 else 'pods'})"


def _exempt(live: Manifest) -> bool:
    return (live["metadata"].get("annotations") or {}).get(EXEMPT_ANNOTATION) == "none"
