"""Watching a real API server."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.failures import ForbiddenError, GoneError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.cluster.watch import Watch

CONFIG_MAP = well_known("v1", "ConfigMap")


def config_map(namespace: str, name: str, value: str) -> Manifest:
    """A ConfigMap that the watches below select."""
    metadata = {"name": name, "namespace": namespace, "labels": {"seen": "yes"}}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


def test_what_happens_after_the_list(client: Client, made: str) -> None:
    objects.apply(client, CONFIG_MAP, config_map(made, "before", "1"), manager="test")
    listing = objects.list_objects(client, CONFIG_MAP, made, labels="seen")
    for value in ("1", "2"):
        objects.apply(client, CONFIG_MAP, config_map(made, "after", value), manager="test")
    objects.delete(client, CONFIG_MAP, made, "before")
    client.requests.clear()
    seen = []
    with Watch(client, CONFIG_MAP, made, listing.resource_version, labels="seen") as watch:
        for event in watch:
            seen.append((event.type, event.object["metadata"]["name"]))
            if len(seen) == 3:
                break
    assert seen == [("ADDED", "after"), ("MODIFIED", "after"), ("DELETED", "before")]
    assert client.requests == {"WATCH configmaps": 1}
    assert watch.resource_version == event.object["metadata"]["resourceVersion"]


def test_metadata_only(client: Client, made: str) -> None:
    listing = objects.list_objects(client, CONFIG_MAP, made)
    objects.apply(client, CONFIG_MAP, config_map(made, "a", "1"), manager="test")
    with Watch(client, CONFIG_MAP, made, listing.resource_version, labels="seen", metadata_only=True) as watch:
        event = next(iter(watch))
    assert "data" not in event.object


def test_stop_from_another_thread_ends_a_silent_watch(client: Client, made: str) -> None:
    listing = objects.list_objects(client, CONFIG_MAP, made, labels="seen")
    watch = Watch(client, CONFIG_MAP, made, listing.resource_version, labels="seen")
    events: list[object] = []
    thread = threading.Thread(target=lambda: events.extend(watch), daemon=True)
    thread.start()
    while not client.requests["WATCH configmaps"]:
        thread.join(0.01)
    watch.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert events == []


def test_stop_before_the_start(client: Client, made: str) -> None:
    watch = Watch(client, CONFIG_MAP, made, "")
    watch.stop()
    assert list(watch) == []
    assert not client.requests


def test_taken_up_again_where_it_broke(client: Client, made: str) -> None:
    listing = objects.list_objects(client, CONFIG_MAP, made, labels="seen")
    watch = Watch(client, CONFIG_MAP, made, listing.resource_version, labels="seen")
    objects.apply(client, CONFIG_MAP, config_map(made, "a", "1"), manager="test")
    events = iter(watch)
    assert next(events).type == "ADDED"
    assert watch._answer is not None
    watch._answer.shutdown()  # what a network does
    objects.apply(client, CONFIG_MAP, config_map(made, "a", "2"), manager="test")
    assert next(events).type == "MODIFIED"
    watch.stop()
    assert client.requests["WATCH configmaps"] == 2


class Old(BaseHTTPRequestHandler):
    """Says that the version is too old: a real server does so only minutes later. By status, or as an event."""

    status = 410

    def do_GET(self) -> None:
        """The answer to any watch."""
        said = {"kind": "Status", "code": 410, "message": "too old resource version: 1 (9)"}
        body = json.dumps(said if self.status == 410 else {"type": "ERROR", "object": said}).encode() + b"\n"
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Says nothing."""


@pytest.mark.parametrize("status", [410, 200])
def test_a_version_that_is_too_old(status: int) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Other", (Old,), {"status": status}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    client = Client(Connection("old", f"http://127.0.0.1:{server.server_port}", Fixed([])))
    with pytest.raises(GoneError, match="Cannot watch configmaps in namespace a: too old"):
        next(iter(Watch(client, CONFIG_MAP, "a", "1")))
    assert client.requests == {"WATCH configmaps": 1}
    server.shutdown()
    server.server_close()


def test_what_is_forbidden_is_not_tried_again(stranger: Client, made: str) -> None:
    with pytest.raises(ForbiddenError, match="User 'stranger' of context 'minikube' may not watch configmaps"):
        next(iter(Watch(stranger, CONFIG_MAP, made, "")))
    assert stranger.requests == {"WATCH configmaps": 1}
