"""An object of each kind that says much, to be mutated: inert, so that no controller works while it is looked at."""

from __future__ import annotations

import copy
import json
from typing import Any

Manifest = dict[str, Any]

CONTAINERS: dict[str, Any] = {
    "restartPolicy": "Always",
    "serviceAccountName": "default",
    "terminationGracePeriodSeconds": 5,
    "nodeSelector": {"disk": "ssd", "zone": "a"},
    "securityContext": {"runAsUser": 1000, "fsGroup": 2000, "supplementalGroups": [1, 2]},
    "tolerations": [{"key": "gpu", "operator": "Exists"}, {"key": "spot", "value": "yes", "effect": "NoSchedule"}],
    "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}],
    "imagePullSecrets": [{"name": "one"}, {"name": "two"}],
    "topologySpreadConstraints": [
        {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {}}
    ],
    "affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": {"topologyKey": "zone", "labelSelector": {"matchLabels": {"a": "b"}}}}
            ]
        }
    },
    "initContainers": [
        {"name": "migrate", "image": "tool:1", "args": ["a", "b"]},
        {"name": "seed", "image": "tool:1", "resources": {"limits": {"cpu": "500m"}}},
    ],
    "containers": [
        {
            "name": "web",
            "image": "web:1",
            "command": ["sh", "-c", "true"],
            "env": [
                {"name": "A", "value": "1"},
                {"name": "B", "value": "$(A)"},
                {"name": "CPU", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu", "divisor": "1m"}}},
                {"name": "C", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "cpu", "optional": True}}},
            ],
            "envFrom": [{"configMapRef": {"name": "settings", "optional": True}}],
            "ports": [
                {"name": "dns", "containerPort": 53},
                {"name": "dns-udp", "containerPort": 53, "protocol": "UDP"},
            ],
            "resources": {
                "requests": {"cpu": "1000m", "memory": "0.5Gi"},
                "limits": {"cpu": "2", "memory": "1024Mi", "ephemeral-storage": "1G"},
            },
            "readinessProbe": {"httpGet": {"path": "/", "port": 80}, "periodSeconds": 3},
            "livenessProbe": {"exec": {"command": ["true"]}, "initialDelaySeconds": 0},
            "volumeMounts": [
                {"name": "data", "mountPath": "/data"},
                {"name": "settings", "mountPath": "/etc/settings", "readOnly": True},
            ],
            "securityContext": {"capabilities": {"add": ["NET_ADMIN", "SYS_TIME"], "drop": ["ALL"]}},
            "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
        },
        {"name": "helper", "image": "helper:1", "imagePullPolicy": "Always", "tty": False},
    ],
    "volumes": [
        {"name": "data", "emptyDir": {"sizeLimit": "1024Mi"}},
        {"name": "settings", "configMap": {"name": "settings", "optional": True, "items": [{"key": "a", "path": "b"}]}},
        {"name": "token", "projected": {"sources": [{"downwardAPI": {"items": []}}]}},
    ],
}
LABELS = {"app": "sample"}


def _template(**spec: Any) -> Manifest:
    return {"metadata": {"labels": LABELS, "annotations": {"note": "1"}}, "spec": copy.deepcopy(CONTAINERS) | spec}


def _object(api: str, kind: str, **body: Any) -> Manifest:
    metadata = {
        "name": kind.lower(),
        "labels": {"team": "a", "tier": "1"},
        "annotations": {"note": "x", "cpu": "1000m"},
    }
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def _claim() -> Manifest:
    return {
        "metadata": {"name": "data", "labels": {"a": "1"}},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1024Mi"}}},
    }


def _builtin() -> list[Manifest]:
    selector = {"matchLabels": LABELS}
    never = {"nodeSelector": {"no": "node"}}
    rules = [
        {"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"], "resourceNames": ["web"]},
    ]
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"}
    subjects = [{"kind": "ServiceAccount", "name": "a", "namespace": "default"}, {"kind": "User", "name": "ann"}]
    sizing = {
        "minReplicas": 1,
        "maxReplicas": 3,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody"},
        "metrics": [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 5}},
            },
            {
                "type": "Pods",
                "pods": {"metric": {"name": "q"}, "target": {"type": "AverageValue", "averageValue": "1k"}},
            },
        ],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 0}},
    }
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    peers = [
        {"podSelector": {}},
        {"namespaceSelector": {"matchLabels": {"a": "b"}}},
        {"ipBlock": {"cidr": "10.0.0.0/8"}},
    ]
    limits = {
        "type": "Container",
        "default": {"cpu": "1000m", "memory": "1Gi"},
        "defaultRequest": {"cpu": "0.1"},
        "max": {"memory": "2048Mi"},
    }
    hook = {
        "name": "a.example.com",
        "clientConfig": {"url": "https://example.com/hook"},
        "rules": [
            {"apiGroups": ["none.example.com"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["nones"]}
        ],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "failurePolicy": "Ignore",
        "objectSelector": {"matchLabels": {"none": "none"}},
    }
    return [
        _object("apps/v1", "Deployment", spec={"replicas": 0, "selector": selector, "template": _template(**never),
                "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": "25%"}}}),
        _object("apps/v1", "StatefulSet", spec={"replicas": 0, "selector": selector, "template": _template(**never),
                "serviceName": "x", "volumeClaimTemplates": [_claim()], "updateStrategy": {"type": "OnDelete"}}),
        _object("apps/v1", "DaemonSet", spec={"selector": selector, "template": _template(**never)}),
        _object("apps/v1", "ReplicaSet", spec={"replicas": 0, "selector": selector, "template": _template(**never)}),
        _object("batch/v1", "CronJob", spec={"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {
                "backoffLimit": 0, "template": _template(restartPolicy="Never")}}}),
        _object("v1", "PodTemplate", template=_template()),
        _object("v1", "Service", spec={"selector": {"app": "none"}, "ports": [
                {"name": "tcp", "port": 53, "targetPort": 1053}, {"name": "udp", "port": 53, "protocol": "UDP"}],
                "sessionAffinity": "None", "type": "ClusterIP"}),
        _object("v1", "ConfigMap", data={"cpu": "1000m", "memory": "1024Mi", "a": ""}, binaryData={"b": "AAAA"}),
        _object("v1", "ServiceAccount", secrets=[{"name": "b"}, {"name": "a"}], imagePullSecrets=[{"name": "x"}],
                automountServiceAccountToken=False),
        _object("v1", "ResourceQuota", spec={"hard": {"cpu": "1000", "memory": "1024Gi", "pods": "100"},
                "scopes": ["NotBestEffort"]}),
        _object("v1", "LimitRange", spec={"limits": [limits]}),
        _object("v1", "PersistentVolume", spec={"capacity": {"storage": "1024Mi"}, "accessModes": ["ReadWriteOnce"],
                "hostPath": {"path": "/none"}, "storageClassName": "none", "persistentVolumeReclaimPolicy": "Retain"}),
        _object("v1", "PersistentVolumeClaim", spec={**_claim()["spec"], "storageClassName": "none"}),
        _object("rbac.authorization.k8s.io/v1", "Role", rules=rules),
        _object("rbac.authorization.k8s.io/v1", "ClusterRole", rules=[*rules, {"nonResourceURLs": ["/x"],
                "verbs": ["get"]}]),
        _object("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef=role, subjects=subjects),
        _object("autoscaling/v2", "HorizontalPodAutoscaler", spec=sizing),
        _object("policy/v1", "PodDisruptionBudget", spec={"minAvailable": 1, "selector": {"matchLabels": {"q": "r"}}}),
        _object("networking.k8s.io/v1", "Ingress", spec={"ingressClassName": "none", "defaultBackend": backend,
                "rules": [{"host": "a.example.com", "http": {"paths": [path]}}], "tls": [{"hosts": ["a", "b"]}]}),
        _object("networking.k8s.io/v1", "NetworkPolicy", spec={"podSelector": {"matchLabels": {"no": "pod"}},
                "policyTypes": ["Ingress", "Egress"], "egress": [],
                "ingress": [{"from": peers, "ports": [{"port": 80}]}]}),
        _object("scheduling.k8s.io/v1", "PriorityClass", value=10, globalDefault=False, description="none"),
        _object("storage.k8s.io/v1", "StorageClass", provisioner="none", parameters={"a": "1"},
                mountOptions=["a", "b"], reclaimPolicy="Delete"),
        _object("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=[hook,
                {**copy.deepcopy(hook), "name": "b.example.com"}]),
        _object("discovery.k8s.io/v1", "EndpointSlice", addressType="IPv4", endpoints=[{"addresses": ["10.1.1.1"],
                "conditions": {"ready": False}}], ports=[{"name": "a", "port": 80}, {"name": "b", "port": 81}]),
        _object("coordination.k8s.io/v1", "Lease", spec={"leaseDurationSeconds": 15}),
    ]  # fmt: skip


def _list_of(kind: str, **more: Any) -> Manifest:
    return {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": kind, **more}


def _named(kind: str, *keys: str) -> Manifest:
    fields: Manifest = {
        "name": {"type": "string"},
        "zone": {"type": "string", "default": "main"},
        "cpu": {"type": "string"},
        "on": {"type": "boolean", "default": True},
        "text": {"type": "string"},
    }
    more = {"x-kubernetes-list-map-keys": list(keys)} if keys else {}
    items = {"type": "object", "properties": fields, "required": ["name"]}
    return {"type": "array", "items": items, "x-kubernetes-list-type": kind, **more}


_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
SCHEMA: Manifest = {
    "type": "object",
    "properties": {
        "status": {"type": "object", "properties": {"phase": {"type": "string"}, "count": {"type": "integer"}}},
        "spec": {
            "type": "object",
            "properties": {
                "atomic": _list_of("atomic"),
                "set": _list_of("set"),
                "byName": _named("map", "name"),
                "byTwo": _named("map", "name", "zone"),
                "atomicItems": _named("atomic"),
                "ports": _named("atomic"),
                "env": _named("map", "name"),
                "texts": _TEXTS,
                "atomicTexts": {**_TEXTS, "x-kubernetes-map-type": "atomic"},
                "limits": _TEXTS,
                "cpu": {"type": "string"},
                "memory": {"type": "string", "nullable": True},
                "storage": {"x-kubernetes-int-or-string": True},
                "ratio": {"type": "number"},
                "size": {"type": "integer", "default": 3},
                "on": {"type": "boolean"},
                "inner": {
                    "type": "object",
                    "properties": {
                        "mode": {"type": "string", "default": "auto"},
                        "deep": {"type": "object", "properties": {"a": {"type": "string"}}},
                    },
                },
                "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
            },
        },
    },
}


def definition(group: str) -> Manifest:
    """The definition of a custom kind with lists and maps of all types, without a status subresource."""
    names = {"kind": "Sample", "plural": "samples", "singular": "sample", "listKind": "SampleList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"samples.{group}"},
        "spec": {"group": group, "scope": "Namespaced", "names": names, "versions": [version]},
    }


def custom(group: str) -> Manifest:
    """An object of that kind that says everything."""
    items = [{"name": "a", "cpu": "1000m", "on": False}, {"name": "b", "zone": "x", "text": ""}]
    spec = {
        "atomic": ["a", "b"],
        "set": ["a", "b"],
        **{name: copy.deepcopy(items) for name in ("byName", "byTwo", "atomicItems", "ports", "env")},
        "texts": {"a": "1", "cpu": "1000m"},
        "atomicTexts": {"a": "1", "b": ""},
        "limits": {"cpu": "1000m", "memory": "1024Mi"},
        "cpu": "1000m",
        "memory": "1024Mi",
        "storage": "1024Mi",
        "ratio": 1.5,
        "on": False,
        "inner": {"mode": "manual", "deep": {}},
        "free": {"list": [{"a": 1}, {"b": None}], "cpu": "1000m", "empty": {}, "none": None},
    }
    return _object(f"{group}/v1", "Sample", spec=spec, status={"phase": "new"})


def samples(group: str, customs: int = 8) -> list[Manifest]:
    """All of them; `customs` of the custom kind. The names of cluster-wide ones hold the group's first part."""
    prefix = group.partition(".")[0]
    found = [json.loads(json.dumps(one)) for one in _builtin()]
    for number in range(customs):
        found.append(json.loads(json.dumps(custom(group))))
        found[-1]["metadata"]["name"] = f"sample-{number}"
    for one in found:
        one["metadata"]["name"] = f"{prefix}-{one['metadata']['name']}"
    return found
