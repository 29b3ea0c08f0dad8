"""One tunnel, against an API server of our own that does what a real one does only when something breaks."""

from __future__ import annotations

import asyncio
import http
from collections.abc import Awaitable, Callable

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from mlstack.cluster import tunnel
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.failures import NotFoundError, UnreachableError
from mlstack.cluster.targets import Endpoint
from mlstack.cluster.tunnel import RefusedError, Tunnel, dial

Pod = Callable[[ServerConnection], Awaitable[None]]
ENDPOINT = Endpoint("a", "web-0", 8000)
PORT = (8000).to_bytes(2, "little")


async def through(pod: Pod, sent: bytes, *, shut: bool = True) -> bytes:
    """What a local client gets that sends `sent` through a tunnel to `pod`; RefusedError as the tunnel raises it."""

    async def greet(socket: ServerConnection) -> None:
        await socket.send(b"\0" + PORT)
        await socket.send(b"\1" + PORT)
        await pod(socket)

    async with serve(greet, "127.0.0.1", 0, subprotocols=["v4.channel.k8s.io"]) as server:  # type: ignore[list-item]
        connection = Connection("fake", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Fixed([]))
        outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                await Tunnel(await dial(connection, ENDPOINT), reader, writer).run()
                outcome.set_result(None)
            except RefusedError as error:
                outcome.set_exception(error)
            finally:
                writer.close()

        async with await asyncio.start_server(carry, "127.0.0.1", 0) as local:
            reader, writer = await asyncio.open_connection(*local.sockets[0].getsockname())
            writer.write(sent)
            if shut:
                writer.write_eof()
            got = await reader.read()
            writer.close()
            await outcome
            return got


async def echo(socket: ServerConnection) -> None:
    """A pod that sends back what it gets, and never ends the stream by itself (as kwok's)."""
    async for message in socket:
        assert isinstance(message, bytes)
        await socket.send(message)


async def says_goodbye(socket: ServerConnection) -> None:
    """A pod that ends the connection after its answer."""
    await socket.recv()
    await socket.send(b"\0bye")


async def refuses(socket: ServerConnection) -> None:
    """A pod where nothing listens."""
    await socket.send(b"\1connection refused")


async def breaks(socket: ServerConnection) -> None:
    """A connection that breaks without a word."""
    await socket.send(b"\0half an ans")
    socket.transport.abort()


@pytest.mark.parametrize(
    ("pod", "sent", "shut", "got"),
    [
        (echo, b"x" * 300_000, True, b"x" * 300_000),
        (says_goodbye, b"hello", False, b"bye"),
        (breaks, b"hello", False, b"half an ans"),
    ],
)
def test_bytes_arrive(pod: Pod, sent: bytes, shut: bool, got: bytes) -> None:
    assert asyncio.run(through(pod, sent, shut=shut)) == got


def test_a_refusal_is_told() -> None:
    with pytest.raises(RefusedError, match="connection refused"):
        asyncio.run(through(refuses, b"hello", shut=False))


def test_a_client_that_left_does_not_hold_the_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(socket: ServerConnection) -> None:
        await socket.wait_closed()

    monkeypatch.setattr(tunnel, "_ANSWER_SECONDS", 0.2)
    assert asyncio.run(through(silent, b"hello")) == b""


def test_what_a_handshake_can_meet() -> None:
    asked = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        asked.append(request.path)
        body = b'{"kind": "Status", "message": "pods \\"web-0\\" not found", "details": {"kind": "pods"}}'
        return Response(http.HTTPStatus.NOT_FOUND, "Not Found", Headers(), body)

    async def attempt() -> None:
        async with serve(echo, "127.0.0.1", 0, process_request=refuse) as server:
            connection = Connection("fake", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Fixed([]))
            with pytest.raises(NotFoundError, match='Cannot forward a port to pods/web-0 in namespace a: pods "web-0"'):
                await dial(connection, ENDPOINT)
        with pytest.raises(UnreachableError, match="'fake'"):
            await dial(connection, ENDPOINT)

    asyncio.run(attempt())
    assert asked == ["/api/v1/namespaces/a/pods/web-0/portforward?ports=8000"]
