"""What breaks in the middle of traffic, and that the next request works without anybody touching the command."""

from __future__ import annotations

import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlstack import sandbox
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.credentials import Plugin
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.forward import Forwarding, Notice
from mlstack.cluster.kinds import well_known
from mlstack.cluster.kubeconfig import Entry
from mlstack.cluster.request import Request
from mlstack.cluster.targets import Endpoint, parse_ports, parse_target
from mlstack.sandbox import Sandbox

POD = well_known("v1", "Pod")
PLUGIN = """\
#!{python}
import json, pathlib
runs = pathlib.Path({runs!r})
runs.write_text(runs.read_text() + "x")
token = pathlib.Path({token!r}).read_text()
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                  "status": {{"token": token}}}}))
"""


@pytest.fixture
def web(client: Client, made: str) -> str:
    """A namespace in which pod web-0 runs."""
    account = well_known("v1", "ServiceAccount")
    until(lambda: objects.find(client, account, made, "default") is not None)
    container = {"name": "c", "image": "x", "ports": [{"containerPort": 8000}]}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0", "namespace": made}}
    objects.apply(client, POD, {**manifest, "spec": {"containers": [container]}}, manager="test")
    until(lambda: objects.get(client, POD, made, "web-0")["status"]["phase"] == "Running")
    return made


def until(true: Callable[[], bool], seconds: float = 60) -> None:
    """Waits until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.05)


def page(address: str, seconds: float = 240) -> int:
    """The status of a GET on a connection of its own."""
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=seconds) as tcp:
        tcp.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        return int(tcp.recv(12).split()[1])


class Held:
    """A connection that stays open, as a kernel's websocket does, and is asked now and then."""

    def __init__(self, address: str) -> None:
        host, _, port = address.rpartition(":")
        self.tcp = socket.create_connection((host, int(port)), timeout=240)

    def ask(self) -> bytes:
        """The first line of a whole answer; b"" where the connection ended."""
        try:
            self.tcp.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n")
            got = self.tcp.recv(1 << 16)
            head, _, body = got.partition(b"\r\n\r\n")
            size = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]) if got else 0
            while got and len(body) < size:
                body += self.tcp.recv(1 << 16)
        except (ConnectionResetError, BrokenPipeError):
            return b""
        return got.partition(b"\r\n")[0]


class Proxy:
    """A way to the API server that can be cut: what is sent into it then waits, as on a network that lost its route."""

    def __init__(self, port: int) -> None:
        self.way = threading.Event()
        self.way.set()
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """No new connections."""
        self.way.set()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(here,), daemon=True).start()

    def _connect(self, here: socket.socket) -> None:
        self.way.wait()
        there = socket.create_connection(("127.0.0.1", self._to))
        for pair in ((here, there), (there, here)):
            threading.Thread(target=self._copy, args=pair, daemon=True).start()

    def _copy(self, source: socket.socket, to: socket.socket) -> None:
        try:
            while part := source.recv(1 << 16):
                self.way.wait()
                to.sendall(part)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            source.close()
            to.close()


@pytest.fixture
def cut(client: Client) -> Iterator[tuple[Client, Proxy]]:
    """A client whose way to the API server can be cut."""
    settings = client.connection
    proxy = Proxy(settings.port)
    with Client(replace(settings, server=f"https://127.0.0.1:{proxy.port}")) as connected:
        yield connected, proxy
    proxy.close()


def forwarding(client: Client, namespace: str, told: list[Notice]) -> Forwarding:
    """web-0's port."""
    return Forwarding(client, namespace, parse_target("web-0"), [parse_ports(":8000")], told.append)


def cut_for(cut: tuple[Client, Proxy], namespace: str, seconds: float) -> list[Notice]:
    """Cuts the way under an open connection and while a new one is made; both are served after it."""
    client, proxy = cut
    told: list[Notice] = []
    with forwarding(client, namespace, told) as forward, ThreadPoolExecutor(2) as pool:
        held = Held(forward.address)
        before = held.ask()
        proxy.way.clear()
        kept, new = pool.submit(held.ask), pool.submit(page, forward.address)
        time.sleep(seconds)
        assert not kept.done()
        assert not new.done()
        proxy.way.set()
        assert kept.result(240) == before != b""
        assert new.result(240) == 200
        assert held.ask() == before
    return told


def test_a_way_that_is_cut_for_a_moment(cut: tuple[Client, Proxy], web: str) -> None:
    assert {notice.kind for notice in cut_for(cut, web, 3)} <= {"listening", "trouble", "recovered"}


@pytest.mark.slow
def test_a_way_that_is_cut_for_30_seconds(cut: tuple[Client, Proxy], web: str) -> None:
    told = cut_for(cut, web, 30)
    assert "lost" not in {notice.kind for notice in told}


def test_a_token_that_expired(client: Client, web: str, tmp_path: Path) -> None:
    runs, token, program = tmp_path / "runs", tmp_path / "token", tmp_path / "plugin"
    runs.write_text("")
    token.write_text("not-a-token")
    program.write_text(PLUGIN.format(python=sys.executable, runs=str(runs), token=str(token)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    spec = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
    plugin = Plugin(Entry("user", spec, tmp_path), "minikube", {})
    settings = replace(client.connection, credentials=plugin)
    told: list[Notice] = []
    with Client(settings) as expiring:
        token.write_text(allowed(client, web))
        with forwarding(expiring, web, told) as forward:
            assert page(forward.address) == 200
            assert runs.read_text() == "x"
            plugin._status = {"token": "expired"}
            for pool in forward._routes[0]._pools:  # what is open stays good: a new tunnel has to show a token
                loop = forward._loop
                assert loop
                loop.call_soon_threadsafe(pool.close)
            forward._routes[0]._pool = None
            forward._routes[0].endpoint = Endpoint(web, "web-0", 8000)
            assert page(forward.address) == 200
        assert runs.read_text() in ("xx", "xxx")  # the watch of the pod may find it expired, too


def allowed(client: Client, namespace: str) -> str:
    """A token of a service account that may do everything in the namespace."""
    role = well_known("rbac.authorization.k8s.io/v1", "RoleBinding")
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "admin"}
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": namespace}
    head = {"apiVersion": role.api_version, "kind": role.kind, "metadata": {"name": "all", "namespace": namespace}}
    objects.apply(client, role, {**head, "roleRef": reference, "subjects": [subject]}, manager="test")
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default/token"
    body: dict[str, Any] = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    token: str = client.json("POST", path, body=body)["status"]["token"]
    return token


def test_the_api_server_restarts(client: Client, web: str, minikube: Sandbox) -> None:
    told: list[Notice] = []
    with forwarding(client, web, told) as forward, ThreadPoolExecutor(4) as pool:
        held = Held(forward.address)
        assert held.ask()
        os.kill(sandbox.status("minikube").pids["kube-apiserver"], signal.SIGKILL)
        assert held.ask() == b""  # what was open ends, and is not silent for ever
        asked = [pool.submit(page, forward.address) for _ in range(4)]
        sandbox.up("minikube", like="minikube", context="minikube")
        assert [one.result(240) for one in asked] == [200] * 4
        kinds = [notice.kind for notice in told]
        assert kinds.count("lost") == 1
        assert kinds.count("trouble") >= 1
        assert "recovered" in kinds
    until(lambda: well(client))


def well(client: Client) -> bool:
    """Whether the API server is itself again, with all that its first seconds lack."""
    try:
        return client.send(Request("GET", "/readyz")) == b"ok"
    except ClusterError:
        return False
