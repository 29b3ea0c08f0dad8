"""The shape of what mlstack itself reads in a manifest: maps, lists and plain values where the API has them.

`validate` and the API server check all the rest, which text must be a number among it. `null` is sent as it is written,
and counts as absent here as for every reader.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.compose.manifests import CLUSTER_SCOPED, Manifest, group_of, pod_templates

Steps = tuple[str | int, ...]
Problem = tuple[Steps, str]  # where, and what must be there

TEXT, NUMBER, MAP, ITEMS = "a text", "a number", "a map", "a list"
TEXTS = {"*": TEXT}
_META = {"labels": TEXTS, "annotations": TEXTS, "namespace": TEXT, "name": TEXT, "finalizers": [TEXT]}
_REFERENCE = {"name": TEXT, "key": TEXT}
_RESOURCES = {"limits": MAP, "requests": MAP, "claims": [MAP]}
_SOURCE = {"configMapKeyRef": _REFERENCE, "secretKeyRef": _REFERENCE, "resourceFieldRef": MAP, "fieldRef": MAP}
_CONTAINER = {
    "name": TEXT,
    "image": TEXT,
    "command": [TEXT],
    "args": [TEXT],
    "env": [{"name": TEXT, "value": TEXT, "valueFrom": _SOURCE}],
    "envFrom": [{"configMapRef": _REFERENCE, "secretRef": _REFERENCE}],
    "ports": [{"containerPort": NUMBER, "hostPort": NUMBER, "protocol": TEXT, "name": TEXT}],
    "resources": _RESOURCES,
    "volumeMounts": [{"name": TEXT, "mountPath": TEXT}],
    "securityContext": MAP,
}
_CLAIM = {
    "metadata": _META,
    "spec": {"accessModes": [TEXT], "storageClassName": TEXT, "volumeName": TEXT, "resources": _RESOURCES},
}
_VOLUME = {
    "name": TEXT,
    "configMap": {"name": TEXT, "items": [MAP]},
    "secret": {"secretName": TEXT, "items": [MAP]},
    "persistentVolumeClaim": {"claimName": TEXT},
    "emptyDir": MAP,
    "ephemeral": {"volumeClaimTemplate": _CLAIM},
    "projected": {"sources": [{"configMap": _REFERENCE, "secret": _REFERENCE}]},
}
_TERMS = [{"matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}], "matchFields": [MAP]}]
_SELECTOR = {"matchLabels": TEXTS, "matchExpressions": [{"key": TEXT, "operator": TEXT, "values": [TEXT]}]}
_NEAR = {
    "requiredDuringSchedulingIgnoredDuringExecution": [{"topologyKey": TEXT, "labelSelector": _SELECTOR}],
    "preferredDuringSchedulingIgnoredDuringExecution": [MAP],
}
_POD = {
    "containers": [_CONTAINER],
    "initContainers": [_CONTAINER],
    "ephemeralContainers": [MAP],
    "volumes": [_VOLUME],
    "nodeSelector": TEXTS,
    "nodeName": TEXT,
    "serviceAccountName": TEXT,
    "schedulerName": TEXT,
    "runtimeClassName": TEXT,
    "priorityClassName": TEXT,
    "restartPolicy": TEXT,
    "imagePullSecrets": [_REFERENCE],
    "tolerations": [{"key": TEXT, "operator": TEXT, "value": TEXT, "effect": TEXT}],
    "topologySpreadConstraints": [{"topologyKey": TEXT, "labelSelector": _SELECTOR}],
    "affinity": {
        "nodeAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": _TERMS},
            "preferredDuringSchedulingIgnoredDuringExecution": [MAP],
        },
        "podAffinity": _NEAR,
        "podAntiAffinity": _NEAR,
    },
    "securityContext": MAP,
    "overhead": MAP,
    "resourceClaims": [MAP],
    "resources": _RESOURCES,
}
_TEMPLATE = {"metadata": _META, "spec": _POD}
# Groups whose kinds have the API's own pod templates; others have some that only look alike (a Knative Service's).
POD_TEMPLATE_GROUPS = frozenset(
    {"kubeflow.org", "trainer.kubeflow.org", "ray.io", "batch.volcano.sh", "jobset.x-k8s.io"}
    | {"leaderworkerset.x-k8s.io", "argoproj.io", "apps.kruise.io"}
)
_SOME_TEMPLATE = {"metadata": _META, "spec": {"containers": [MAP]}}
_WORKLOAD = {"spec": {"replicas": NUMBER, "selector": _SELECTOR, "template": _TEMPLATE}}
_JOB = {"spec": {"parallelism": NUMBER, "completions": NUMBER, "template": _TEMPLATE, "selector": _SELECTOR}}
_RULES = [{"apiGroups": [TEXT], "resources": [TEXT], "verbs": [TEXT], "resourceNames": [TEXT]}]
_ROLE = {"rules": _RULES, "aggregationRule": MAP}
_BINDING = {"roleRef": {"kind": TEXT, "name": TEXT}, "subjects": [{"kind": TEXT, "name": TEXT, "namespace": TEXT}]}
_SERVICE = {"name": TEXT, "namespace": TEXT}
_HOOKS = {"webhooks": [{"name": TEXT, "clientConfig": {"service": _SERVICE, "url": TEXT}, "rules": [MAP]}]}
_VERSION = {"name": TEXT, "schema": {"openAPIV3Schema": MAP}}
_CRD = {
    "spec": {
        "group": TEXT,
        "scope": TEXT,
        "names": {"kind": TEXT, "plural": TEXT},
        "versions": [_VERSION],
        "conversion": {"webhook": {"clientConfig": {"service": _SERVICE}}},
    }
}
# Without these nothing can be said of what a definition defines.
_NEEDED_CRD: tuple[Steps, ...] = (("spec",), ("spec", "group"), ("spec", "names"), ("spec", "names", "kind"))

SHAPES: Mapping[tuple[str, str], Any] = {
    ("", "Pod"): {"spec": _POD},
    ("", "PodTemplate"): {"template": _TEMPLATE},
    ("", "ReplicationController"): {"spec": {"replicas": NUMBER, "selector": TEXTS, "template": _TEMPLATE}},
    **{("apps", kind): _WORKLOAD for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")},
    ("apps", "StatefulSet"): {"spec": {**_WORKLOAD["spec"], "serviceName": TEXT, "volumeClaimTemplates": [_CLAIM]}},
    ("batch", "Job"): _JOB,
    ("batch", "CronJob"): {"spec": {"jobTemplate": {"metadata": _META, **_JOB}}},
    ("", "ConfigMap"): {"data": TEXTS, "binaryData": TEXTS},
    ("", "Secret"): {"data": TEXTS, "stringData": TEXTS, "type": TEXT},
    ("", "Service"): {"spec": {"selector": TEXTS, "ports": [{"port": NUMBER, "name": TEXT, "protocol": TEXT}]}},
    ("", "ServiceAccount"): {"secrets": [_REFERENCE], "imagePullSecrets": [_REFERENCE]},
    ("", "PersistentVolumeClaim"): _CLAIM,
    ("", "PersistentVolume"): {"spec": {"storageClassName": TEXT, "capacity": MAP, "claimRef": MAP}},
    ("autoscaling", "HorizontalPodAutoscaler"): {"spec": {"scaleTargetRef": {"kind": TEXT, "name": TEXT}}},
    ("networking.k8s.io", "Ingress"): {
        "spec": {"ingressClassName": TEXT, "tls": [{"secretName": TEXT}], "rules": [{"http": {"paths": [MAP]}}]}
    },
    **{("rbac.authorization.k8s.io", kind): _ROLE for kind in ("Role", "ClusterRole")},
    **{("rbac.authorization.k8s.io", kind): _BINDING for kind in ("RoleBinding", "ClusterRoleBinding")},
    **{("admissionregistration.k8s.io", f"{kind}WebhookConfiguration"): _HOOKS for kind in ("Mutating", "Validating")},
    ("apiregistration.k8s.io", "APIService"): {"spec": {"service": _SERVICE, "group": TEXT, "version": TEXT}},
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _CRD,
}
BUILT_IN_GROUPS = frozenset({"", "apps", "batch", "autoscaling", "policy"} | {group for group, _ in CLUSTER_SCOPED})


def shape_problem(manifest: Manifest) -> Problem | None:
    """The first field that has another shape than mlstack reads it with: its steps, and what must be there."""
    return next(_problems(manifest), None)


def _problems(manifest: Manifest) -> Iterator[Problem]:
    kind = (group_of(manifest), manifest["kind"])
    yield from _differ(manifest["metadata"], _META, ("metadata",))
    shape = SHAPES.get(kind)
    if shape is None:
        if kind[0] in BUILT_IN_GROUPS:
            yield from _differ(manifest.get("spec"), MAP, ("spec",))
        known = kind[0] in POD_TEMPLATE_GROUPS
        for path, template in pod_templates(manifest):
            yield from _differ(template, _TEMPLATE if known else _SOME_TEMPLATE, path)
        return
    yield from _differ(manifest, shape, ())
    if shape is _CRD:
        yield from ((steps, "set") for steps in _NEEDED_CRD if not _there(manifest, steps))


def _there(value: Any, steps: Steps) -> bool:
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return bool(value)


def _differ(value: Any, shape: Any, steps: Steps) -> Iterator[Problem]:
    if value is None:
        return
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            yield steps, MAP
            return
        for key, below in value.items():
            if (wanted := shape.get(key, shape.get("*"))) is not None:
                yield from _differ(below, wanted, (*steps, key))
    elif isinstance(shape, list):
        yield from _items(value, shape[0], steps)
    elif isinstance(value, list) or isinstance(value, Mapping) is not (shape == MAP):
        yield steps, shape


def _items(value: Any, shape: Any, steps: Steps) -> Iterator[Problem]:
    if not isinstance(value, list):
        yield steps, ITEMS
        return
    for index, entry in enumerate(value):
        if entry is None:
            yield (*steps, index), MAP if isinstance(shape, dict) else str(shape)
        else:
            yield from _differ(entry, shape, (*steps, index))
