"""Notebooks with GPUs that nobody uses, by what the hub's proxy says."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mlstack.actions.idle import IdleNotebook, idle_notebooks, routes_used
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError

GPU = "nvidia.com/gpu"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
# As configurable-http-proxy 5 answers.
ROUTES = {
    "/": {
        "hub": True,
        "target": "http://tf-hub-0:8081",
        "jupyterhub": True,
        "last_activity": "2026-11-23T11:59:00.000Z",
    },
    "/user/ann/": {"user": "ann", "server_name": "", "target": "x", "last_activity": "2026-11-23T08:30:00.000Z"},
    "/user/bob/": {"user": "bob", "server_name": "", "target": "x", "last_activity": "2026-11-23T11:30:00.000Z"},
    "/user/eve/two/": {"user": "eve", "server_name": "two", "target": "x", "last_activity": "2026-11-22T11:30:00.000Z"},
}
ASKED: list[str] = []


class Proxy(BaseHTTPRequestHandler):
    """Its REST interface."""

    def do_GET(self) -> None:
        ASKED.append(f"{self.path} {self.headers['Authorization']}")
        allowed = self.headers["Authorization"] == "token abc"
        self.send_response(200 if allowed else 403)
        self.end_headers()
        self.wfile.write(json.dumps(ROUTES).encode())

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Silent."""


def notebook(user: str, gpus: int = 1, server: str = "", **metadata: Any) -> dict[str, Any]:
    """A pod as KubeSpawner makes it."""
    annotations = {"hub.jupyter.org/username": user, "hub.jupyter.org/servername": server}
    labels = {"app": "jupyterhub", "component": "singleuser-server"}
    own = {"name": f"jupyter-{user}", "namespace": "ml", "labels": labels, "annotations": annotations}
    resources = {"limits": {GPU: str(gpus)}} if gpus else {}
    spec = {"nodeName": "a", "containers": [{"name": "notebook", "resources": resources}]}
    return {"metadata": {**own, **metadata}, "spec": spec, "status": {"phase": "Running"}}


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[HTTPServer]:
    """A proxy behind the forward; the Secret's token is `abc`."""
    server = HTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ASKED.clear()

    @contextmanager
    def forward(client: Client, namespace: str, target: str, ports: list[str]) -> Iterator[Any]:
        assert (namespace, target, ports) == ("ml", "pod/tf-hub-0", [":8001"])
        yield SimpleNamespace(address=f"127.0.0.1:{server.server_port}")

    monkeypatch.setattr("mlstack.actions.forward.forward", forward)
    secret("abc", monkeypatch)
    yield server
    server.shutdown()
    server.server_close()


def secret(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {"proxy-token": base64.b64encode(token.encode()).decode()}
    monkeypatch.setattr("mlstack.cluster.objects.get", lambda *_: {"data": data})


def found(*pods: dict[str, Any]) -> list[IdleNotebook]:
    return list(idle_notebooks(cast("Client", None), "ml", pods, GPU, NOW))


def test_who_has_not_used_a_notebook_for_an_hour(proxy: HTTPServer) -> None:
    assert found(notebook("ann", 2), notebook("bob"), notebook("eve", server="two"), notebook("eve")) == [
        IdleNotebook("jupyter-ann", "ann", 2, "2026-11-23 08:30Z"),
        IdleNotebook("jupyter-eve", "eve", 1, "2026-11-22 11:30Z"),
    ]
    assert ASKED == ["/api/routes token abc"]


def test_without_a_notebook_with_gpus_nobody_is_asked(proxy: HTTPServer) -> None:
    ended = {**notebook("ann"), "status": {"phase": "Succeeded"}}
    assert found(notebook("ann", 0), notebook("ann", namespace="other"), notebook("ann", labels={}), ended) == []
    assert ASKED == []


def test_what_cannot_be_known_is_not_told(proxy: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    secret("another", monkeypatch)
    assert found(notebook("ann")) == []

    def forbidden(*_: object) -> None:
        raise ForbiddenError("secrets may not be read")

    monkeypatch.setattr("mlstack.cluster.objects.get", forbidden)
    assert found(notebook("ann")) == []
    proxy.shutdown()
    proxy.server_close()
    secret("abc", monkeypatch)
    assert found(notebook("ann")) == []


def test_an_answer_that_is_none() -> None:
    assert routes_used("<html>") == {}


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        '"x"',
        "null",
        "3",
        '{"/": null}',
        '{"/": {"user": "ann", "last_activity": "yesterday"}}',
        '{"/": {"user": "ann", "last_activity": 5}}',
        '{"/": {"user": "ann", "last_activity": ["2026"]}}',
    ],
)
def test_an_answer_of_another_shape_is_unknown(text: str) -> None:
    assert routes_used(text) == {}


def test_odd_names_are_kept() -> None:
    known = routes_used('{"/": {"user": 7, "server_name": null, "last_activity": "2026-11-23T08:30:00Z"}}')
    assert known == {("7", ""): datetime(2026, 11, 23, 8, 30, tzinfo=UTC)}
