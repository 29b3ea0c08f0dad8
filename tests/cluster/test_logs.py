"""What containers say, on simulated pods whose log the sandbox has."""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, NotFoundError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.logs import log_request, pod_logs

POD, ACCOUNT = well_known("v1", "Pod"), well_known("v1", "ServiceAccount")


def wait(there: Callable[[], object]) -> None:
    """Until it can be read, at most half a minute."""
    for _ in range(600):
        with suppress(NotFoundError):
            there()
            return
        threading.Event().wait(0.05)
    there()


@pytest.fixture
def pod(client: Client, made: str) -> str:
    """The namespace of a running pod "one" with two containers."""
    containers = [{"name": name, "image": "x"} for name in ("main", "side")]
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "one", "namespace": made}}
    wait(lambda: objects.get(client, ACCOUNT, made, "default"))  # without it no pod is let in
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


def test_the_time_of_each_line_and_what_is_older(client: Client, pod: str) -> None:
    line = client.send(log_request(pod, "one", "side")).decode()
    time, _, text = line.partition(" ")
    assert datetime.fromisoformat(time) < datetime.now(UTC)
    assert text == pod_logs(client, pod, "one", "side")
    assert client.send(log_request(pod, "one", "side", since_s=3600)).decode() == line


def test_followed_it_comes_by_and_by(client: Client, pod: str) -> None:
    feed = client.begin(log_request(pod, "one", "side", follow=True))
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(feed, selectors.EVENT_READ)
        while b"\n" not in said:
            assert selector.select(30)
            said += feed.take()
    assert not feed.complete
    feed.close()
    assert said == client.send(log_request(pod, "one", "side"))


def test_what_cannot_be_read(client: Client, pod: str) -> None:
    with pytest.raises(NotFoundError):
        pod_logs(client, pod, "two", "main")
    with pytest.raises(ClusterError, match="container"):
        pod_logs(client, pod, "one")
