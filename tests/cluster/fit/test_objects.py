"""Quotas of objects and limit ranges of claims: what is said of objects, and what the API server then takes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import DeniedError
from mlstack.cluster.kinds import well_known
from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.fit import fit, objects_refused
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage, by_name
from tests.cluster.fit import plane

QUOTA, RANGE, CLASS = well_known("v1", "ResourceQuota"), well_known("v1", "LimitRange"), "storage.k8s.io/v1"
PATIENCE = 120.0
CONTAINER = {"name": "c", "image": "example/x", "resources": {"requests": {"cpu": "1m"}}}
WEB = {"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [CONTAINER]}}
ONCE = {"spec": {"containers": [CONTAINER], "restartPolicy": "Never"}}


def _object(api_version: str, kind: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, **fields}


def _claim(storage: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": storage}}}
    return _object("v1", "PersistentVolumeClaim", spec=spec)


OBJECTS = {
    "secret": _object("v1", "Secret"),
    "config": _object("v1", "ConfigMap"),
    "balanced": _object("v1", "Service", spec={"type": "LoadBalancer", "ports": [{"port": 1, "name": "a"}]}),
    "claim": _claim("5Gi"),
    "job": _object("batch/v1", "Job", spec={"template": ONCE}),
    "web": _object("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"app": "x"}}, "template": WEB}),
}
# What a namespace allows, just enough or just too little for an object: by its entry, its number, in a quota.
ENTRIES = [
    ("secret", "secrets", "1"),
    ("secret", "count/secrets", "1"),
    ("config", "configmaps", "2"),  # kube-root-ca.crt is there already
    ("balanced", "services.loadbalancers", "1"),
    ("balanced", "services.nodeports", "1"),
    ("claim", "persistentvolumeclaims", "1"),
    ("claim", "requests.storage", "5Gi"),
    ("claim", "standard.storageclass.storage.k8s.io/persistentvolumeclaims", "1"),
    ("claim", "standard.storageclass.storage.k8s.io/requests.storage", "5Gi"),
    ("job", "count/jobs.batch", "1"),
    ("web", "count/deployments.apps", "1"),
    ("web", "count/replicasets.apps", "1"),
]


def _less(number: str) -> str:
    return f"{int(number.removesuffix('Gi')) - 1}{'Gi' if number.endswith('Gi') else ''}"


def test_quotas_of_objects(client: Client, namespace: str) -> None:
    """Of each entry just enough, and one less: what is said is what the API server and its controllers do."""
    cases = [(name, {entry: hard}) for name, entry, most in ENTRIES for hard in (most, _less(most))]
    spaces = [f"{namespace}-{number}" for number in range(len(cases))]
    plane.make_spaces(client, spaces)
    for space, (_, hard) in zip(spaces, cases, strict=True):
        objects.create(client, QUOTA, _quota(space, hard), manager="test")
    classes = by_name(objects.list_objects(client, well_known(CLASS, "StorageClass")).items)
    wrong = []
    for space, (name, hard) in zip(spaces, cases, strict=True):
        quota = _settled(client, space, hard)
        view = View([], quotas=[quota], storage=Storage(classes=classes))
        told = _told(view, OBJECTS[name], space)
        if (said := bool(told)) is _taken(client, space, OBJECTS[name]):
            wrong.append(f"{name} with {hard}: {'refused' if said else 'taken'}, it says; it was not")
    for space in spaces:
        objects.delete(client, plane.SPACE, None, space)
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("bound", "taken"), [({"min": {"storage": "5Gi"}}, True), ({"max": {"storage": "4Gi"}}, False)]
)
def test_limit_ranges_of_claims(client: Client, made: str, bound: dict[str, Any], taken: bool) -> None:
    limits = {"limits": [{"type": "PersistentVolumeClaim", **bound}]}
    team = {**_object("v1", "LimitRange", spec=limits), "metadata": {"name": "team", "namespace": made}}
    view = View([], ranges=[objects.create(client, RANGE, team, manager="test")])
    assert bool(_told(view, OBJECTS["claim"], made)) is not taken
    assert _taken(client, made, OBJECTS["claim"]) is taken


def _quota(space: str, hard: dict[str, str]) -> dict[str, Any]:
    return {**_object("v1", "ResourceQuota", spec={"hard": hard}), "metadata": {"name": "team", "namespace": space}}


def _settled(client: Client, space: str, hard: dict[str, str]) -> dict[str, Any]:
    """The quota once its controller has counted what is there: kube-root-ca.crt is among the ConfigMaps."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        quota = objects.get(client, QUOTA, space, "team")
        used = (quota.get("status") or {}).get("used") or {}
        if used and ("configmaps" not in hard or used["configmaps"] == "1"):
            return quota
        time.sleep(0.2)
    raise AssertionError(f"the quota of {space} is not counted")


def _told(view: View, manifest: dict[str, Any], space: str) -> str:
    asked = asks("x", [manifest], space)
    without = objects_refused(view, asked).get("x", "")
    return without or next(
        (one.told for one in fit(view, asked) if one.told.startswith(("ResourceQuota", "Limit"))), ""
    )


def _taken(client: Client, space: str, manifest: dict[str, Any]) -> bool:
    """Whether the API server takes an object, and what its controller makes of it."""
    kind = well_known(manifest["apiVersion"], manifest["kind"])
    made = {**manifest, "metadata": {**manifest["metadata"], "namespace": space}}
    try:
        objects.create(client, kind, made, manager="test")
    except DeniedError:
        return False
    return manifest["kind"] != "Deployment" or _replicated(client, space)


def _replicated(client: Client, space: str) -> bool:
    """Whether a Deployment has a ReplicaSet, once its controller has tried to make one."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if objects.list_objects(client, well_known("apps/v1", "ReplicaSet"), space).items:
            return True
        live = objects.get(client, well_known("apps/v1", "Deployment"), space, "x")
        conditions = (live.get("status") or {}).get("conditions") or ()
        if any(one.get("reason") == "ReplicaSetCreateError" for one in conditions):
            return False
        time.sleep(0.2)
    raise AssertionError(f"the Deployment of {space} was not looked at")
