"""Requests: counts against a real API server, and faults that only a server of our own can make."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from mlstack.cluster import objects
from mlstack.cluster.client import Client, encode
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.failures import ClusterError, InvalidError, UnavailableError, UnreachableError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.request import Request

CONFIG_MAP = well_known("v1", "ConfigMap")
# What the faulty server does with one request: an HTTP status, (429, Retry-After), or "reset" the connection.
Fault = int | tuple[int, str] | str


class Faulty(ThreadingHTTPServer):
    """Answers requests by a script, then 200 to all."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, script: list[Fault]) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.script = iter(script)
        self.seen: list[str] = []
        self.lock = threading.Lock()


class Answer(BaseHTTPRequestHandler):
    """One request by the script."""

    protocol_version = "HTTP/1.1"
    server: Faulty

    def answer(self) -> None:
        """Does what the script says next."""
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.server.lock:
            self.server.seen.append(self.command)
            fault = next(self.server.script, 200)
        if fault == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.close_connection = True
            self.connection.close()
            return
        status, after = fault if isinstance(fault, tuple) else (int(fault), "")
        body = json.dumps({"kind": "Status", "message": f"fault {status}"}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        if after:
            self.send_header("Retry-After", after)
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815 (the names that http.server looks for)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class's name)
        """Says nothing."""


@contextmanager
def faulty(*script: Fault) -> Iterator[tuple[Client, Faulty]]:
    """A client of a server with this script."""
    server = Faulty(list(script))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    with Client(Connection("faulty", address, Fixed([]))) as client:
        yield client, server
    server.shutdown()
    server.server_close()


GET = Request("GET", "/api/v1/namespaces/a/configmaps/b")
PATCH = Request("PATCH", "/api/v1/namespaces/a/configmaps/b", body=b"{}")
POST = Request("POST", "/api/v1/namespaces/a/configmaps", body=b"{}")


@pytest.mark.parametrize(
    ("script", "request_", "attempts"),
    [
        ([(429, "0")], GET, 2),
        ([(429, "0")], POST, 2),
        ([429, 429], PATCH, 3),
        ([503, 504, (503, "0")], PATCH, 4),
        (["first", "reset"], PATCH, 3),
        (["first", "reset", "reset"], GET, 4),
    ],
)
def test_passing_faults_are_retried(script: list[Fault], request_: Request, attempts: int) -> None:
    with faulty(*[200 if fault == "first" else fault for fault in script]) as (client, server):
        if script[0] == "first":  # a server that has answered before may be restarting
            client.send(GET)
        client.send(request_)
        assert len(server.seen) == attempts
        assert sum(client.requests.values()) == attempts


@pytest.mark.parametrize(
    ("fault", "request_", "kind"),
    [
        (503, POST, UnavailableError),
        ("reset", POST, UnreachableError),
        (500, GET, UnavailableError),
        (400, GET, InvalidError),
        (307, GET, None),
    ],
)
def test_other_faults_are_not(fault: Fault, request_: Request, kind: type[ClusterError] | None) -> None:
    with faulty(200, fault) as (client, server):
        client.send(GET)
        if kind:
            with pytest.raises(kind):
                client.send(request_)
        else:  # a redirect is never followed: credentials would go with it
            client.send(request_)
        assert len(server.seen) == 2


def test_gives_up_on_a_server_that_stays_busy() -> None:
    with faulty(*[(429, "0")] * 50) as (client, server):
        with pytest.raises(UnavailableError, match="has no time to read configmaps/b in namespace a: fault 429"):
            client.send(GET)
        assert len(server.seen) == 6
        assert client.limiter.limit < 32


def test_retry_after_holds_all_requests() -> None:
    with faulty((429, "1")) as (client, server):
        client.send(GET)
        assert client.limiter.limit == 16
        assert client.map(lambda _: client.send(GET) is not None, range(64)) == [True] * 64
        assert len(server.seen) == 66
        assert client.limiter.limit > 16


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"https://127.0.0.1:{free.getsockname()[1]}"
    client = Client(Connection("gke", address, Fixed([])))
    with pytest.raises(UnreachableError) as error:
        client.send(GET)
    assert str(error.value).startswith(f"The cluster of context 'gke' ({address}) does not answer: connection refused.")
    assert sum(client.requests.values()) == 1


def test_a_server_that_does_not_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(Connection("slow", f"http://127.0.0.1:{silent.getsockname()[1]}", Fixed([])))
        with pytest.raises(UnreachableError, match="timed out"):
            client.send(Request("GET", "/api", timeout=0.2))
    assert client.requests == {"GET /api": 1}


def test_any_text_is_sent_so_that_every_reader_takes_it() -> None:
    body = {"a": "ünï 🚀 \x7f \x85 \u2028 \\ud83d \n"}
    assert json.loads(encode(body)) == body
    assert yaml.safe_load(encode(body)) == body  # as strict as Go's reader of server-side applies
    assert "🚀".encode() in encode(body)


def test_counts_and_results_of_many(client: Client, made: str) -> None:
    def apply(number: int) -> str:
        data = {"number": number if number == 7 else str(number)}  # one that the server refuses
        metadata = {"name": f"c{number}", "namespace": made}
        manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}
        return str(objects.apply(client, CONFIG_MAP, manifest, manager="test")["metadata"]["name"])

    results = client.map(apply, range(50))
    assert [item for item in results if not isinstance(item, Exception)] == [f"c{n}" for n in range(50) if n != 7]
    assert isinstance(results[7], InvalidError)
    assert [cause.field for cause in results[7].causes] == [".data.number"]
    assert client.requests == {"PATCH configmaps": 50}


def test_no_kubernetes_package_on_the_common_path(client: Client, kubeconfig: Path) -> None:
    code = (
        "import sys; from mlstack.cluster.connect import connect; from mlstack.cluster.identity import cluster_uid;"
        f"cluster_uid(connect('minikube', {str(kubeconfig)!r})); sys.exit('kubernetes' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_streams_are_counted_and_refused_ones_raise(client: Client) -> None:
    with pytest.raises(ClusterError, match="could not find the requested resource"):
        client.stream(Request("GET", "/api/v1/nothings", {"watch": "true"}))
    assert client.requests == {"WATCH nothings": 1}
