"""In which order kinds are applied: a table of ranks, and what makes a workload an operator (decisions.md, 23)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlstack.compose.manifests import Key, Manifest, group_of, key_of
from mlstack.errors import MlstackError

NAMESPACES, DEFINITIONS, ACCESS, SERVICES, WORKLOADS = range(5)
TITLES = ("namespaces", "CRDs", "access, configuration", "services, operators", "workloads")

STAGE_ANNOTATION = "mlstack.dev/stage"
NAMED_STAGES = {"access": ACCESS, "operators": SERVICES, "workloads": WORKLOADS}

RANKS: Mapping[tuple[str, str], int] = {
    ("", "Namespace"): NAMESPACES,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): DEFINITIONS,
    ("", "Service"): SERVICES,
    ("apiregistration.k8s.io", "APIService"): SERVICES,
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"): SERVICES,
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"): SERVICES,
    ("", "Pod"): WORKLOADS,
    ("", "ReplicationController"): WORKLOADS,
}
WORKLOAD_GROUPS = frozenset({"apps", "batch", "autoscaling"})
# Groups of the API server itself that hold no workloads: what is in none of these is a custom resource.
BUILT_IN_GROUPS = frozenset({"", "policy", "apps", "batch", "autoscaling"})
# Those of them with a domain, which projects share that bring their kinds by CRDs (sparkoperator.k8s.io).
BUILT_IN_DOMAIN = frozenset(
    [
        "admissionregistration",
        "apiextensions",
        "apiregistration",
        "authentication",
        "authorization",
        "certificates",
        "coordination",
        "discovery",
        "events",
        "flowcontrol.apiserver",
        "internal.apiserver",
        "networking",
        "node",
        "rbac.authorization",
        "resource",
        "scheduling",
        "storage",
        "storagemigration",
    ]
)
OPERATOR_KINDS = frozenset({"Deployment", "StatefulSet", "DaemonSet"})


def is_custom(key: Key) -> bool:
    """Whether a CRD must have brought this kind: its group is not the API server's own."""
    if key.group.endswith(".k8s.io"):
        return key.group.removesuffix(".k8s.io") not in BUILT_IN_DOMAIN
    return key.group not in BUILT_IN_GROUPS


def stages(components: Mapping[str, Sequence[Manifest]]) -> dict[Key, int]:
    """The stage of every manifest, by component name, since what is an operator depends on its company."""
    behind = [service for manifests in components.values() for service in called_services(manifests)]
    return {
        key_of(manifest): _stage(manifest, manifests, behind)
        for manifests in components.values()
        for manifest in manifests
    }


def _stage(manifest: Manifest, company: Sequence[Manifest], behind: Sequence[tuple[str, str]]) -> int:
    named = (manifest["metadata"].get("annotations") or {}).get(STAGE_ANNOTATION)
    if named is not None:
        return _named(named, manifest)
    key = key_of(manifest)
    if (key.group, key.kind) in RANKS:
        return RANKS[key.group, key.kind]
    if key.kind in OPERATOR_KINDS and _is_operator(manifest, company, behind):
        return SERVICES
    return WORKLOADS if key.group in WORKLOAD_GROUPS or is_custom(key) else ACCESS


def _named(name: str, manifest: Manifest) -> int:
    if name not in NAMED_STAGES:
        known = ", ".join(NAMED_STAGES)
        raise MlstackError(f"{key_of(manifest)}: {STAGE_ANNOTATION} is {name!r}.", f"It may be {known}.")
    return NAMED_STAGES[name]


def _is_operator(manifest: Manifest, company: Sequence[Manifest], behind: Sequence[tuple[str, str]]) -> bool:
    """Behind a webhook's or APIService's Service, or a Deployment in a component that brings CRDs."""
    if manifest["kind"] == "Deployment" and any(m["kind"] == "CustomResourceDefinition" for m in company):
        return True
    labels = (manifest.get("spec") or {}).get("template", {}).get("metadata", {}).get("labels") or {}
    namespace = manifest["metadata"].get("namespace", "")
    services = (m for m in company if m["kind"] == "Service" and group_of(m) == "")
    return any(
        (service["metadata"].get("namespace", ""), service["metadata"]["name"]) in behind
        and service["metadata"].get("namespace", "") == namespace
        and _selects(service, labels)
        for service in services
    )


def _selects(service: Manifest, labels: Mapping[str, str]) -> bool:
    selector = (service.get("spec") or {}).get("selector") or {}
    return bool(selector) and selector.items() <= labels.items()


def called_services(manifests: Iterable[Manifest]) -> list[tuple[str, str]]:
    """(namespace, name) of the Services that the API server itself calls."""
    return [
        (reference.get("namespace", ""), reference.get("name", ""))
        for manifest in manifests
        for reference in _references(manifest)
    ]


def _references(manifest: Manifest) -> list[Mapping[str, Any]]:
    if manifest["kind"] == "APIService":
        return [(manifest.get("spec") or {}).get("service") or {}]
    if manifest["kind"].endswith("WebhookConfiguration"):
        return [(hook.get("clientConfig") or {}).get("service") or {} for hook in manifest.get("webhooks") or []]
    return []
