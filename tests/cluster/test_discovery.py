"""Which kinds are served."""

from __future__ import annotations

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.discovery import Discovery
from mlstack.cluster.failures import UnservedError
from mlstack.cluster.kinds import WELL_KNOWN, Resource, well_known
from mlstack.cluster.objects import Manifest

CRD = well_known("apiextensions.k8s.io/v1", "CustomResourceDefinition")
API_SERVICE = well_known("apiregistration.k8s.io/v1", "APIService")


def crd(group: str) -> Manifest:
    """A CRD for the kind Thing of a group."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    names = {"kind": "Thing", "plural": "things", "singular": "thing", "listKind": "ThingList"}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": [version]}
    metadata = {"name": f"things.{group}"}
    return {"apiVersion": CRD.api_version, "kind": CRD.kind, "metadata": metadata, "spec": spec}


def test_the_table_is_what_the_server_serves(client: Client) -> None:
    served = Discovery(client).all()
    assert {key: served.get(key) for key in WELL_KNOWN} == WELL_KNOWN
    assert client.requests == {"GET /api": 1, "GET /apis": 1}


def test_well_known_kinds_need_no_request(client: Client) -> None:
    discovery = Discovery(client)
    for api_version, kind in WELL_KNOWN:
        discovery.resource(api_version, kind)
    assert not client.requests


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (("", "v1", "Pod", "pods", True), ("a", "b"), "/api/v1/namespaces/a/pods/b"),
        (("", "v1", "Pod", "pods", True), (), "/api/v1/pods"),
        (("", "v1", "Pod", "pods", True), ("a", "b", "log"), "/api/v1/namespaces/a/pods/b/log"),
        (("", "v1", "Namespace", "namespaces", False), (None, "a"), "/api/v1/namespaces/a"),
        (("g", "v2", "X", "xs", True), ("a",), "/apis/g/v2/namespaces/a/xs"),
        (("g", "v2", "X", "xs", False), ("a", "b/c?d"), "/apis/g/v2/xs/b%2Fc%3Fd"),
    ],
)
def test_paths(resource: tuple[str, str, str, str, bool], arguments: tuple[str, ...], path: str) -> None:
    assert Resource(*resource).path(*arguments) == path


@pytest.mark.parametrize(
    ("api_version", "kind", "hint"),
    [
        ("policy/v1beta1", "PodDisruptionBudget", "The cluster serves it as policy/v1: change apiVersion."),
        ("extensions/v1beta1", "Ingress", "The cluster serves it as networking.k8s.io/v1: change apiVersion."),
        ("v1", "configmap", "Did you mean ConfigMap?"),
        ("v1", "pods", "Did you mean Pod?"),
        ("apps/v1", "Deploymnet", "Did you mean Deployment?"),
        ("example.org/v1", "Job", "Its CRD is not installed there."),  # a kind of another group is another kind
    ],
)
def test_a_slip_is_told_with_what_was_meant(client: Client, api_version: str, kind: str, hint: str) -> None:
    with pytest.raises(UnservedError) as refused:
        Discovery(client).resource(api_version, kind)
    assert refused.value.hint == hint


def test_a_crd_that_comes_later_is_found(client: Client, namespace: str) -> None:
    group = f"{namespace}.example.org"
    discovery = Discovery(client)
    with pytest.raises(UnservedError, match="Its CRD is not installed there"):
        discovery.resource(f"{group}/v1", "Thing")
    objects.apply(client, CRD, crd(group), manager="test")
    try:
        found = None
        for _ in range(500):  # it is served a moment after it was stored
            found = discovery.find(f"{group}/v1", "Thing")
            if found:
                break
        assert found == Resource(group, "v1", "Thing", "things", True)
        client.requests.clear()
        assert discovery.resource(f"{group}/v1", "Thing") == found
        assert not client.requests
        with pytest.raises(UnservedError, match=f"The cluster serves it as {group}/v1: change apiVersion"):
            discovery.resource(f"{group}/v2", "Thing")
        with pytest.raises(UnservedError, match="Did you mean Thing"):
            discovery.resource(f"{group}/v1", "Thin")
    finally:
        objects.delete(client, CRD, None, f"things.{group}")


def test_an_api_that_is_down_does_not_hide_the_others(client: Client, namespace: str) -> None:
    group = f"{namespace}.example.org"
    service = {"name": "nobody", "namespace": "default", "port": 443}
    spec = {"group": group, "version": "v1", "service": service, "insecureSkipTLSVerify": True}
    priorities = {"groupPriorityMinimum": 1000, "versionPriority": 10}
    manifest = {"apiVersion": API_SERVICE.api_version, "kind": "APIService", "metadata": {"name": f"v1.{group}"}}
    objects.apply(client, API_SERVICE, {**manifest, "spec": {**spec, **priorities}}, manager="test")
    try:
        discovery = Discovery(client)
        for _ in range(500):
            if discovery.all() and f"{group}/v1" in discovery.unavailable:
                break
            discovery.refresh()
        assert discovery.unavailable == (f"{group}/v1",)
        assert ("apps/v1", "Deployment") in discovery.all()
        with pytest.raises(UnservedError, match="Its API server is down"):
            discovery.resource(f"{group}/v1", "Thing")
    finally:
        objects.delete(client, API_SERVICE, None, f"v1.{group}")
