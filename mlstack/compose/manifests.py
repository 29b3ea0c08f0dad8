"""Manifests: plain data, and what they say about themselves."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

Manifest = dict[str, Any]

# (group, kind) of every built-in kind that has no namespace (kubectl api-resources --namespaced=false, 1.37).
CLUSTER_SCOPED: frozenset[tuple[str, str]] = frozenset(
    {
        ("", "ComponentStatus"),
        ("", "Namespace"),
        ("", "Node"),
        ("", "PersistentVolume"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
        ("apiextensions.k8s.io", "CustomResourceDefinition"),
        ("apiregistration.k8s.io", "APIService"),
        ("authentication.k8s.io", "SelfSubjectReview"),
        ("authentication.k8s.io", "TokenReview"),
        ("authorization.k8s.io", "SelfSubjectAccessReview"),
        ("authorization.k8s.io", "SelfSubjectRulesReview"),
        ("authorization.k8s.io", "SubjectAccessReview"),
        ("certificates.k8s.io", "CertificateSigningRequest"),
        ("certificates.k8s.io", "ClusterTrustBundle"),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
        ("networking.k8s.io", "IPAddress"),
        ("networking.k8s.io", "IngressClass"),
        ("networking.k8s.io", "ServiceCIDR"),
        ("node.k8s.io", "RuntimeClass"),
        ("rbac.authorization.k8s.io", "ClusterRole"),
        ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
        ("resource.k8s.io", "DeviceClass"),
        ("resource.k8s.io", "DeviceTaintRule"),
        ("resource.k8s.io", "ResourceSlice"),
        ("scheduling.k8s.io", "PriorityClass"),
        ("storage.k8s.io", "CSIDriver"),
        ("storage.k8s.io", "CSINode"),
        ("storage.k8s.io", "StorageClass"),
        ("storage.k8s.io", "VolumeAttachment"),
        ("storage.k8s.io", "VolumeAttributesClass"),
    }
)


@dataclass(frozen=True, order=True)
class Key:
    """What makes two manifests the same object: group, kind, namespace ("" where there is none) and name."""

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}"


def group_of(manifest: Manifest) -> str:
    """The API group, "" for the core group."""
    return str(manifest["apiVersion"]).rpartition("/")[0]


def key_of(manifest: Manifest) -> Key:
    """The identity of a manifest, without its version."""
    metadata = manifest["metadata"]
    return Key(group_of(manifest), manifest["kind"], metadata.get("namespace") or "", metadata["name"])


def is_namespaced(manifest: Manifest, cluster_kinds: Collection[tuple[str, str]] = ()) -> bool:
    """Whether objects of this kind live in a namespace.

    Custom kinds do unless `cluster_kinds` ((group, kind) pairs, see `cluster_kinds_of`) names them.
    """
    kind = (group_of(manifest), manifest["kind"])
    return kind not in CLUSTER_SCOPED and kind not in cluster_kinds


def cluster_kinds_of(manifests: Collection[Manifest]) -> frozenset[tuple[str, str]]:
    """(group, kind) of what CustomResourceDefinitions among `manifests` declare as cluster-scoped."""
    specs = [m.get("spec") or {} for m in manifests if m["kind"] == "CustomResourceDefinition"]
    return frozenset((s["group"], s["names"]["kind"]) for s in specs if s.get("scope") == "Cluster")


def pod_templates(manifest: Manifest) -> Iterator[tuple[tuple[str, ...], Manifest]]:
    """(path, template) of each pod template: any `template` under spec whose own spec has containers.

    Covers workloads, CronJobs and the replica specs of training jobs without knowing their kinds. What a
    SparkApplication adds to its pods is none unless it says an image.
    """
    if manifest["kind"] != "CustomResourceDefinition":
        partial = manifest["kind"] == "SparkApplication"
        for path, template in _templates(manifest.get("spec"), ("spec",)):
            if not partial or any(isinstance(one, dict) and one.get("image") for one in template["spec"]["containers"]):
                yield path, template


def _templates(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Manifest]]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _templates(item, (*path, str(index)))
    if not isinstance(value, dict):
        return
    for key, item in value.items():
        if key == "template" and isinstance(item, dict) and _has_containers(item.get("spec")):
            yield (*path, key), item
        else:
            yield from _templates(item, (*path, str(key)))


def _has_containers(spec: Any) -> bool:
    return isinstance(spec, dict) and isinstance(spec.get("containers"), list)


def copied(value: Any) -> Any:
    """A copy of plain data that shares nothing with it; five times as fast as copy.deepcopy."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    return [copied(item) for item in value] if isinstance(value, list) else value


def without_nulls(value: Any) -> Any:
    """A copy for readers: the server takes a null in a map for a field that is not there (decision 42)."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value
