"""Ways to a real API server: proxies, kept connections, TLS sessions."""

from __future__ import annotations

import selectors
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from mlstack.cluster.client import Client
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.failures import KubeconfigError, UnreachableError
from mlstack.cluster.identity import cluster_uid
from mlstack.cluster.request import Request
from mlstack.cluster.transport import Transport

VERSION = Request("GET", "/version")


class Proxy:
    """A proxy that does CONNECT, and answers everything else itself; `heads` are the requests it saw."""

    def __init__(self, tls: ssl.SSLContext | None, answer: bytes) -> None:
        self.heads: list[str] = []
        self._tls = tls
        self._answer = answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Takes no more connections."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=self._serve, args=(self._listener.accept()[0],), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            stream = self._tls.wrap_socket(client, server_side=True) if self._tls else client
            head = b""
            while b"\r\n\r\n" not in head:
                head += stream.recv(1)
            self.heads.append(head.decode())
            stream.sendall(self._answer)
            if head.startswith(b"CONNECT") and b" 200 " in self._answer:
                host, _, port = head.split()[1].decode().rpartition(":")
                with socket.create_connection((host, int(port))) as server:
                    carry(stream, server)


def carry(one: socket.socket, other: socket.socket) -> None:
    """Bytes both ways until one side ends."""
    with selectors.DefaultSelector() as both:
        both.register(one, selectors.EVENT_READ, other)
        both.register(other, selectors.EVENT_READ, one)
        while True:
            for key, _ in both.select():
                source = key.fileobj
                assert isinstance(source, socket.socket)
                part = source.recv(1 << 20)
                if not part:
                    return
                key.data.sendall(part)


@contextmanager
def proxy(tls: ssl.SSLContext | None = None, answer: bytes = b"HTTP/1.1 200 Connected\r\n\r\n") -> Iterator[Proxy]:
    """A running proxy."""
    made = Proxy(tls, answer)
    yield made
    made.close()


@contextmanager
def reaching(client: Client, through: str) -> Iterator[Client]:
    """A client of the same cluster by another way."""
    with Client(replace(client.connection, proxy=through)) as other:
        yield other


def test_a_proxy_with_a_password(client: Client) -> None:
    with proxy() as through, reaching(client, f"http://ann:s%40fe@127.0.0.1:{through.port}") as other:
        assert cluster_uid(other) == cluster_uid(client)
    [head] = through.heads
    assert head.startswith(f"CONNECT 127.0.0.1:{client.connection.port} HTTP/1.1\r\n")
    assert "Proxy-Authorization: Basic YW5uOnNAZmU=" in head


def test_a_proxy_without_a_scheme(client: Client) -> None:
    with proxy() as through, reaching(client, f"127.0.0.1:{through.port}") as other:
        assert cluster_uid(other) == cluster_uid(client)


def test_a_proxy_that_is_reached_by_tls(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = client.connection.credentials.certificate()  # the sandbox's certificate serves as a server's, too
    assert pair
    assert client.connection.authority
    for name, content in (("pair", b"\n".join(pair)), ("authority", client.connection.authority)):
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "pair")
    with proxy(tls) as through, reaching(client, f"https://127.0.0.1:{through.port}") as other:
        assert cluster_uid(other) == cluster_uid(client)
        with other.stream(VERSION) as answer:
            assert b"gitVersion" in answer.read()


def test_a_proxy_that_refuses(client: Client) -> None:
    refusal = b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n"
    said = r"the proxy 127.0.0.1 refuses to connect to it \(407\)"
    with (
        proxy(answer=refusal) as through,
        reaching(client, f"http://127.0.0.1:{through.port}") as other,
        pytest.raises(UnreachableError, match=said),
    ):
        other.send(VERSION)


def test_a_server_without_tls_behind_a_proxy() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
    with proxy(answer=answer) as through:
        by = f"http://ann@127.0.0.1:{through.port}"
        with Client(Connection("plain", "http://api.example.org:8001/prefix", Fixed([]), proxy=by)) as other:
            assert other.send(VERSION) == b"{}"
    [head] = through.heads
    assert head.startswith("GET http://api.example.org:8001/prefix/version HTTP/1.1\r\nHost: api.example.org:8001\r\n")
    assert "Proxy-Authorization: Basic YW5uOg==" in head


@pytest.mark.parametrize(
    ("server", "through"),
    [
        ("https://host:port", ""),
        ("https://", ""),
        ("https://host", "socks5://127.0.0.1:1080"),
        ("https://host", "http://127.0.0.1:port"),
        ("https://host", "http://"),
    ],
)
def test_addresses_that_cannot_be_used(server: str, through: str) -> None:
    with pytest.raises(KubeconfigError, match=f"'x' has an address that cannot be used: server {server}"):
        Client(Connection("x", server, Fixed([]), proxy=through)).send(VERSION)


@pytest.mark.parametrize("value", ["one\r\nX: two", "one\ntwo", "one\x00"])
def test_no_header_can_bring_another(value: str) -> None:
    client = Client(Connection("x", "http://127.0.0.1:1", Fixed([("Authorization", value)])))
    with pytest.raises(UnreachableError, match="has a line break"):
        client.send(VERSION)


def test_a_name_that_is_no_part_of_an_address(client: Client, made: str) -> None:
    with pytest.raises(Exception, match="not found"):
        client.send(Request("GET", f"/api/v1/namespaces/{made}/configmaps/größe 1\r\nX: y"))


def test_connections_are_kept_and_their_tls_session_goes_on(client: Client) -> None:
    transport = Transport(client.connection, 2)
    for _ in range(3):
        transport.send(VERSION)
    assert len(transport._idle) == 1
    first = transport._idle.pop()
    transport.send(VERSION)
    [second] = transport._idle
    assert isinstance(second.stream, ssl.SSLSocket)
    assert second.stream.session_reused
    transport.close()
    assert (transport._idle, transport._session) == ([], None)
    first.close()


def test_a_stream_ends_with_its_connection(client: Client) -> None:
    transport = Transport(client.connection, 2)
    with transport.send(VERSION, streamed=True) as answer:
        assert b"gitVersion" in b"".join(answer.parts())
    assert not transport._idle
