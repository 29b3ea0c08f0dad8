"""What containers say, on simulated pods whose log the sandbox has."""

from __future__ import annotations

import threading

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, NotFoundError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.logs import follow_logs, pod_logs

POD = well_known("v1", "Pod")


@pytest.fixture
def pod(client: Client, made: str) -> str:
    """The namespace of a running pod "one" with two containers."""
    containers = [{"name": name, "image": "x"} for name in ("main", "side")]
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": made}}
    objects.apply(client, POD, {**manifest, "spec": {"containers": containers}}, manager="test")
    while objects.get(client, POD, made, "one")["status"]["phase"] != "Running":
        threading.Event().wait(0.05)
    return made


def test_whole_and_tail(client: Client, pod: str) -> None:
    whole = pod_logs(client, pod, "one", "main").splitlines()
    assert whole
    assert pod_logs(client, pod, "one", "main", tail=1).splitlines() == whole[-1:]
    assert pod_logs(client, pod, "one", "main", previous=True)
    assert client.requests["GET pods/log"] == 3


def test_follow(client: Client, pod: str) -> None:
    first = next(iter(follow_logs(client, pod, "one", "side", tail=1)))
    assert first.decode().strip() == pod_logs(client, pod, "one", "side", tail=1).strip()


def test_what_cannot_be_read(client: Client, pod: str) -> None:
    with pytest.raises(NotFoundError):
        pod_logs(client, pod, "two", "main")
    with pytest.raises(ClusterError, match="container"):
        pod_logs(client, pod, "one")
