"""What comes into a namespace besides pods, as quotas count it: an app's objects, and those that controllers make.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core and the object counts of pkg/quota/v1/generic; the controllers of
Deployments and StatefulSets; Kubeflow's training operator 1.9 (a Service for each process, and what an MPIJob gets).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.compose.manifests import Manifest, group_of
from mlstack.plan.fit.limits import out_of_claims_range
from mlstack.plan.fit.requests import Amounts, add, whole

OTHER_NAMES = (
    "configmaps",
    "secrets",
    "replicationcontrollers",
    "resourcequotas",
    "services",
    "persistentvolumeclaims",
)
CLASS_SUFFIX = ".storageclass.storage.k8s.io/"
IS_DEFAULT = "storageclass.kubernetes.io/is-default-class"

# Kinds that a controller makes: one for the object itself, or one for each of its pods. As (apiVersion, kind).
ONCE: Mapping[str, tuple[tuple[str, str], ...]] = {
    "Deployment": (("apps/v1", "ReplicaSet"),),
    "StatefulSet": (("apps/v1", "ControllerRevision"),),
    "DaemonSet": (("apps/v1", "ControllerRevision"),),
    "Service": (("v1", "Endpoints"), ("discovery.k8s.io/v1", "EndpointSlice")),
    "MPIJob": (
        ("v1", "ConfigMap"),
        ("v1", "ServiceAccount"),
        ("rbac.authorization.k8s.io/v1", "Role"),
        ("rbac.authorization.k8s.io/v1", "RoleBinding"),
    ),
}
SERVICE_EACH = ("v1", "Service"), ("v1", "Endpoints"), ("discovery.k8s.io/v1", "EndpointSlice")
EACH: Mapping[str, tuple[tuple[str, str], ...]] = {
    "TFJob": SERVICE_EACH,
    "PyTorchJob": SERVICE_EACH,
    "PaddleJob": SERVICE_EACH,
}
KNOWN = {"apps", "batch", "", "policy", "autoscaling", "networking.k8s.io", "rbac.authorization.k8s.io"}


@dataclass(frozen=True)
class Claim:
    """A PersistentVolumeClaim that will be made; `class_`: None leaves it to the cluster."""

    name: str
    requests: Mapping[str, str]
    class_: str | None


@dataclass(frozen=True)
class Objects:
    """What comes with pods: `once`, and with `each` of them.

    `makers`: kinds whose operators make objects that are not known here. `kinds`: all of its kinds as (apiVersion,
    kind); `names`: the app's own objects as (kind, name), by which they are known where they exist already.
    """

    once: Mapping[str, int] = field(default_factory=dict)
    each: Mapping[str, int] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    claims_each: tuple[Claim, ...] = ()
    makers: frozenset[str] = frozenset()
    kinds: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[tuple[str, str]] = frozenset()

    def usage(self, pods: int, default: str) -> Amounts:
        """All of it by entries of a quota; `default`: the StorageClass of claims that name none."""
        total = dict(self.once)
        add(total, {name: number * pods for name, number in self.each.items()})
        for claim in self.claims:
            add(total, _claimed(claim, default))
        for claim in self.claims_each:
            own = _claimed(claim, default) | counted("v1", "PersistentVolumeClaim")
            add(total, {name: number * pods for name, number in own.items()})
        return total

    def has(self, live: Mapping[str, Any]) -> bool:
        """Test whether an object that exists is one of these, or was made by a controller for one of these."""
        metadata, kind = live["metadata"], live["kind"]
        if (kind, metadata["name"]) in self.names:
            return True
        if any((one["kind"], one["name"]) in self.names for one in metadata.get("ownerReferences") or ()):
            return True
        stateful = [name for of, name in self.names if of == "StatefulSet"]
        claims = [f"{claim.name}-{name}-" for claim in self.claims_each for name in stateful]
        return bool(kind == "PersistentVolumeClaim" and metadata["name"].startswith(tuple(claims)))

    def refused(self, ranges: Iterable[Mapping[str, Any]]) -> str:
        """The claim that a limit range does not let in, in words; "" if it lets in all."""
        found = (out_of_claims_range(one.name, one.requests, ranges) for one in (*self.claims, *self.claims_each))
        return next(filter(None, found), "")


def objects_of(manifests: Iterable[Manifest], namespace: str) -> Objects:
    """What these objects bring into their namespace once, each with what its controller makes."""
    once: Amounts = {}
    claims, makers, kinds, names = [], set[str](), set[tuple[str, str]](), set[tuple[str, str]]()
    for manifest in manifests:
        if (manifest["metadata"].get("namespace") or namespace) != namespace:
            continue
        own = (manifest["apiVersion"], manifest["kind"])
        names.add((manifest["kind"], manifest["metadata"]["name"]))
        for made in (own, *ONCE.get(manifest["kind"], ())):
            add(once, counted(*made))
            kinds.add(made)
        add(once, _ports(manifest))
        if manifest["kind"] == "PersistentVolumeClaim":
            claims.append(claim_of(manifest))
        if group_of(manifest) not in KNOWN and manifest["kind"] not in (*ONCE, *EACH):
            makers.add(manifest["kind"])
    found = Objects(once, claims=tuple(claims), makers=frozenset(makers))
    return replace(found, kinds=frozenset(kinds), names=frozenset(names))


def with_each(found: Objects, manifest: Manifest, template: Mapping[str, Any]) -> Objects:
    """The objects with those that come with every pod of a template of a workload."""
    each: Amounts = {}
    for made in EACH.get(manifest["kind"], ()):
        add(each, counted(*made))
    templates = list((manifest.get("spec") or {}).get("volumeClaimTemplates") or ()) if _keeps(manifest) else []
    templates += [
        {"metadata": {"name": one["name"]}, **one["ephemeral"]["volumeClaimTemplate"]}
        for one in template["spec"].get("volumes") or ()
        if one.get("ephemeral")
    ]
    kinds = (
        found.kinds | set(EACH.get(manifest["kind"], ())) | ({("v1", "PersistentVolumeClaim")} if templates else set())
    )
    return replace(found, each=each, claims_each=tuple(map(claim_of, templates)), kinds=frozenset(kinds))


def counted(api_version: str, kind: str) -> Amounts:
    """The entries of a quota in which one object of a kind counts."""
    group, plural = api_version.rpartition("/")[0], plural_of(kind)
    found = {f"count/{plural}{'.' if group else ''}{group}": 1}
    return found | ({plural: 1} if not group and plural in OTHER_NAMES else {})


def usage_of(live: Manifest, default: str) -> Amounts:
    """What one object that exists takes of a quota."""
    found = counted(live["apiVersion"], live["kind"]) | _ports(live)
    return found | (_claimed(claim_of(live), default) if live["kind"] == "PersistentVolumeClaim" else {})


def plural_of(kind: str) -> str:
    """A kind's resource, by the rule that all kinds of Kubernetes' and of the operators that are known here follow."""
    word = kind.lower()
    if word.endswith("y"):
        return f"{word[:-1]}ies"
    return word if word == "endpoints" else f"{word}{'es' if word.endswith('s') else 's'}"


def claim_of(manifest: Mapping[str, Any]) -> Claim:
    """A claim, or the template of one."""
    spec = manifest.get("spec") or {}
    asked = {name: str(value) for name, value in ((spec.get("resources") or {}).get("requests") or {}).items()}
    return Claim((manifest.get("metadata") or {}).get("name", ""), asked, spec.get("storageClassName"))


def default_class(classes: Mapping[str, Mapping[str, Any]]) -> str:
    """The StorageClass of claims that name none, "" for none."""
    marked = [
        name for name, one in classes.items() if (one["metadata"].get("annotations") or {}).get(IS_DEFAULT) == "true"
    ]
    return next(iter(marked), "")


def _keeps(manifest: Manifest) -> bool:
    return bool(manifest["kind"] == "StatefulSet")


def _claimed(claim: Claim, default: str) -> Amounts:
    """What a claim takes of a quota beside its count, its class's share of that included."""
    storage = whole("storage", claim.requests.get("storage", "0"))
    name = default if claim.class_ is None else claim.class_
    of_class = {f"{name}{CLASS_SUFFIX}persistentvolumeclaims": 1, f"{name}{CLASS_SUFFIX}requests.storage": storage}
    return {"requests.storage": storage} | (of_class if name else {})


def _ports(manifest: Manifest) -> Amounts:
    """What a Service takes of the cluster's ports and load balancers."""
    if (manifest["apiVersion"], manifest["kind"]) != ("v1", "Service"):
        return {}
    spec = manifest.get("spec") or {}
    ports, type_ = spec.get("ports") or (), spec.get("type")
    if type_ == "NodePort":
        return {"services.nodeports": len(ports)}
    if type_ != "LoadBalancer":
        return {}
    if spec.get("allocateLoadBalancerNodePorts") is False:
        ports = [port for port in ports if port.get("nodePort")]
    return {"services.loadbalancers": 1, "services.nodeports": len(ports)}
