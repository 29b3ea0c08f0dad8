"""Opening a websocket: whatever may answer in the API server's place, and the ways to a real one."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection, serve

from mlstack.cluster.client import Client
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.failures import (
    ClusterError,
    DeniedError,
    NotFoundError,
    UnauthorizedError,
    UnavailableError,
    UnreachableError,
)
from mlstack.cluster.request import Request
from mlstack.cluster.targets import Endpoint
from mlstack.cluster.tunnel import dial
from mlstack.cluster.websocket import open_websocket
from tests.cluster.test_transport import proxy

ENDPOINT = Endpoint("a", "web-0", 8000)
STATUS = b'{"kind": "Status", "message": "pods \\"web-0\\" not found", "details": {"kind": "pods"}}'
LENGTH = b"HTTP/1.1 404 Not Found\r\nContent-Length: %d\r\n\r\n" % len(STATUS)
CHUNKED = b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(STATUS), STATUS)

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes) -> Answer:
    """A server that answers with these bytes."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(0.01)
        writer.close()

    return answer


@asynccontextmanager
async def listening(answer: Answer) -> AsyncIterator[Connection]:
    """A connection to such a server."""
    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield Connection("fake", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Fixed([]))


def dialed(answer: Answer) -> None:
    """Opens a tunnel to such a server."""

    async def attempt() -> None:
        async with listening(answer) as connection:
            await dial(connection, ENDPOINT)

    asyncio.run(attempt())


@pytest.mark.parametrize("parts", [[LENGTH + STATUS], [LENGTH, STATUS], [LENGTH + STATUS[:9], STATUS[9:]], [CHUNKED]])
def test_a_refusals_words_come_in_any_parts(parts: list[bytes]) -> None:
    with pytest.raises(NotFoundError, match='in namespace a: pods "web-0" not found'):
        dialed(says(*parts))


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (b"HTTP/1.1 520 Web Server Returned\r\nContent-Length: 6\r\n\r\nsorry!", UnavailableError, r"\(520\): sorry!"),
        (b"HTTP/1.1 403\r\nContent-Length: 3\r\n\r\nno!", DeniedError, "no!"),
        (b"HTTP/1.0 503 Busy\r\nContent-Length: 4\r\n\r\nbusy", UnavailableError, "busy"),
        (
            b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n",
            UnauthorizedError,
            "does not accept its credentials",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nwelcome", ClusterError, r"\(200\): welcome"),
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", ClusterError, r"\(302\)"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", UnreachableError, "does not answer: .*upgrade"),
        (b"220 mail.example.org ESMTP\r\n\r\n", UnreachableError, "does not answer: "),
        (b"", UnreachableError, "does not answer: the connection ended before the server answered"),
    ],
)
def test_whatever_may_answer(answer: bytes, error: type[ClusterError], said: str) -> None:
    with pytest.raises(error, match=said):
        dialed(says(answer))


def test_who_gives_up_leaves_nothing_open() -> None:
    async def attempt() -> None:
        asked, closed = asyncio.Event(), asyncio.Event()

        async def late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            asked.set()
            await asyncio.sleep(0.1)
            writer.write(accepted(head))
            assert await reader.read() in (b"", b"\x88\x82")  # it ends, with a goodbye or without
            closed.set()
            writer.close()

        async with listening(late) as connection:
            dialing = asyncio.create_task(dial(connection, ENDPOINT))
            await asked.wait()
            dialing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialing
            await asyncio.wait_for(closed.wait(), 10)

    asyncio.run(attempt())


def accepted(head: bytes) -> bytes:
    """The answer to a handshake."""
    from websockets.utils import accept_key

    key = next(line[19:] for line in head.decode().split("\r\n") if line.lower().startswith("sec-websocket-key: "))
    lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"]
    return "\r\n".join([*lines, f"Sec-WebSocket-Accept: {accept_key(key)}", "", ""]).encode()


class Ear:
    """Notes what it is told; `fails`: it has a mistake of its own."""

    def __init__(self, *, fails: bool = False) -> None:
        self.heard: list[bytes] = []
        self.ended = asyncio.Event()
        self._fails = fails

    def came(self, message: bytes) -> None:
        if self._fails:
            raise KeyError(message)
        self.heard.append(message)

    def alive(self) -> None: ...

    def flush(self) -> None: ...

    def block(self, blocked: bool) -> None: ...

    def gone(self, *, orderly: bool = False) -> None:
        self.ended.set()


def heard(
    sent: Any, ear: Callable[[], Ear] = Ear, *, early: bool = False
) -> tuple[Ear, list[dict[str, Any]], list[str]]:
    """What an ear hears of `sent`, what asyncio would report, and what extensions were asked for.

    `early`: all is over before anybody listens.
    """
    reported: list[dict[str, Any]] = []
    asked: list[str] = []

    async def attempt() -> Ear:
        async def send(socket: ServerConnection) -> None:
            assert socket.request
            asked.extend(socket.request.headers.get_all("Sec-WebSocket-Extensions"))
            await asyncio.sleep(0 if early else 0.1)
            await socket.send(sent)

        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        listener = ear()
        async with serve(send, "127.0.0.1", 0, select_subprotocol=lambda connection, offered: None) as server:
            connection = Connection("fake", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Fixed([]))
            opened = await open_websocket(connection, Request("GET", "/"), "v4")
            if early:
                await asyncio.sleep(0.2)
            opened.serve(listener)
            await asyncio.wait_for(listener.ended.wait(), 10)
            await asyncio.sleep(0)
        return listener

    return asyncio.run(attempt()), reported, asked


@pytest.mark.parametrize("early", [True, False])
def test_messages_are_plain_and_their_fragments_put_together(early: bool) -> None:
    ear, reported, extensions = heard([b"a" * 100_000, b"b", b"c"], early=early)
    assert (ear.heard, reported, extensions) == ([b"a" * 100_000 + b"bc"], [], [])


@pytest.mark.parametrize("sent", [b"a" * 17_000_000, [b"a" * 6_000_000] * 3])
def test_a_message_has_its_limit(sent: Any) -> None:
    ear, reported, _ = heard(sent)
    assert (ear.heard, reported) == ([], [])


def test_a_mistake_of_ours_is_no_silent_end() -> None:
    _, reported, _ = heard(b"x", lambda: Ear(fails=True))
    assert [type(one["exception"]) for one in reported] == [KeyError]


async def refused(connection: Connection) -> None:
    """A real API server answers, and knows who asks."""
    with pytest.raises(NotFoundError, match='pods "web-0" not found'):
        await dial(connection, replace(ENDPOINT, namespace="default"))


@pytest.mark.parametrize("before", ["http://ann:s%40fe@", ""])
def test_through_a_proxy(client: Client, before: str) -> None:
    with proxy() as through:
        asyncio.run(refused(replace(client.connection, proxy=f"{before}127.0.0.1:{through.port}")))
    assert through.heads
    for head in through.heads:
        assert head.startswith(f"CONNECT 127.0.0.1:{client.connection.port} HTTP/1.1\r\n")
        assert ("Proxy-Authorization: Basic YW5uOnNAZmU=" in head) is bool(before)


def test_through_a_proxy_that_is_reached_by_tls(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = client.connection.credentials.certificate()  # the sandbox's certificate serves as a server's, too
    assert pair
    assert client.connection.authority
    for name, content in (("pair", b"\n".join(pair)), ("authority", client.connection.authority)):
        (tmp_path / name).write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority"))
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(tmp_path / "pair")
    with proxy(tls) as through:
        asyncio.run(refused(replace(client.connection, proxy=f"https://127.0.0.1:{through.port}")))


def test_a_proxy_that_refuses(client: Client) -> None:
    with (
        proxy(answer=b"HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n") as through,
        pytest.raises(UnreachableError, match=r"proxy .*407"),
    ):
        asyncio.run(dial(replace(client.connection, proxy=f"127.0.0.1:{through.port}"), ENDPOINT))


def test_whose_certificate_it_has_to_be(client: Client) -> None:
    asyncio.run(refused(replace(client.connection, server_name="localhost")))
    for wrong in (replace(client.connection, server_name="example.org"), replace(client.connection, authority=None)):
        with pytest.raises(UnreachableError, match="shows a certificate that is not trusted"):
            asyncio.run(dial(wrong, ENDPOINT))
