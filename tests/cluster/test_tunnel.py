"""Tunnels and what rides in them, against a kubelet of our own that does what a real one does only when it breaks."""

from __future__ import annotations

import asyncio
import hashlib
import http
import random
import socket
import struct

import pytest
from websockets.asyncio.server import ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response

from mlstack.cluster import local, pool
from mlstack.cluster.channels import SUBPROTOCOL as V4
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.failures import NotFoundError, UnreachableError
from mlstack.cluster.spdy import SUBPROTOCOL as SPDY
from mlstack.cluster.targets import Endpoint, NotYetError
from mlstack.cluster.tunnel import dial
from tests.cluster.kubelet import Kubelet, Pod, Stream, forwarded

ENDPOINT = Endpoint("a", "web-0", 8000)
BYTES = random.Random(7).randbytes(3_000_000)
PROTOCOLS = pytest.mark.parametrize("protocol", [SPDY, V4])


async def echo(stream: Stream) -> None:
    """A pod that sends back what it gets, to the end where it is told of one."""
    while part := await stream.sent.get():
        await stream.write(part)
    await stream.end()


async def goodbye(stream: Stream) -> None:
    """A pod that answers once and ends."""
    await stream.sent.get()
    await stream.write(b"bye")
    await stream.end()


async def large(stream: Stream) -> None:
    """A pod that answers with much."""
    await stream.sent.get()
    await stream.write(BYTES)
    await stream.end()


async def breaks(stream: Stream) -> None:
    """A connection that breaks without a word."""
    await stream.sent.get()
    await stream.write(b"half an ans")
    await asyncio.sleep(0.05)
    stream.socket.transport.abort()


async def silent(stream: Stream) -> None:
    """A pod that says nothing."""
    await asyncio.Event().wait()


def reset(writer: asyncio.StreamWriter) -> None:
    """Closes a connection for good, not for one direction: TCP says so only by a reset."""
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def refuses(error: str) -> Pod:
    """A pod's kubelet that says `error`."""

    async def refuse(stream: Stream) -> None:
        await stream.end(error)

    return refuse


@PROTOCOLS
def test_bytes_there_and_back(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    async def attempt() -> None:
        async with forwarded(Kubelet(echo, (protocol,)), monkeypatch) as way:
            assert await way.said(BYTES, shut=True) == BYTES
        async with forwarded(Kubelet(large, (protocol,)), monkeypatch) as way:
            got = await asyncio.gather(*(way.said(b"go") for _ in range(5)))
            assert {hashlib.sha256(one).hexdigest() for one in got} == {hashlib.sha256(BYTES).hexdigest()}
            assert way.notices == []

    asyncio.run(attempt())


@PROTOCOLS
def test_the_pods_end_ends_it(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    async def attempt() -> None:
        async with forwarded(Kubelet(goodbye, (protocol,)), monkeypatch) as way:
            for _ in range(3):
                assert await way.said(b"hello") == b"bye"

    asyncio.run(attempt())


def test_one_after_another_take_one_tunnel(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(goodbye)
        async with forwarded(kubelet, monkeypatch) as way:
            for _ in range(30):
                assert await way.said(b"hello") == b"bye"
        assert len(kubelet.streams) == 30
        assert len(kubelet.sockets) <= 2  # the next connection may come before the last has quite gone

    asyncio.run(attempt())


def test_many_at_once_share_a_few(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(echo)
        async with forwarded(kubelet, monkeypatch) as way:
            payloads = [str(number).encode() * 1000 for number in range(60)]
            assert await asyncio.gather(*(way.said(one, shut=True) for one in payloads)) == payloads
        assert len(kubelet.streams) == 60
        assert len(kubelet.sockets) == pool._TUNNELS

    asyncio.run(attempt())


def test_who_reads_slowly_holds_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    async def torrent(stream: Stream) -> None:
        if await stream.sent.get() != b"all":
            await stream.write(b"quick")
            return await stream.end()
        for _ in range(30):
            await stream.write(BYTES)
        return await stream.end()

    async def attempt() -> None:
        kubelet = Kubelet(torrent)
        async with forwarded(kubelet, monkeypatch) as way:
            reader, writer = await way.connect()
            writer.write(b"all")
            assert await reader.readexactly(10)  # and then no more for a while
            await asyncio.sleep(0.5)
            for _ in range(12):
                assert await way.said(b"a little") == b"quick"
            rest = await reader.read()
            assert len(rest) == 30 * len(BYTES) - 10
            writer.close()

    asyncio.run(attempt())


@pytest.mark.parametrize("held", [30])
def test_memory_is_bounded_by_what_is_read(monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    written = 0

    async def torrent(stream: Stream) -> None:
        nonlocal written
        await stream.sent.get()
        for _ in range(held):
            await stream.write(BYTES)
            written += len(BYTES)

    async def attempt() -> None:
        async with forwarded(Kubelet(torrent), monkeypatch) as way:
            _, writer = await asyncio.open_connection("127.0.0.1", way.port, limit=1024)
            writer.write(b"all")
            await asyncio.sleep(1)
            # The kernel's buffers of three connections, and ours.
            assert written < held * len(BYTES) / 2
            writer.transport.abort()

    asyncio.run(attempt())


@PROTOCOLS
def test_a_broken_tunnel_is_seen_as_broken(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(breaks, (protocol,))
        async with forwarded(kubelet, monkeypatch) as way:
            reader, writer = await way.connect()
            writer.write(b"hello")
            assert await reader.readexactly(11) == b"half an ans"
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            kubelet.pod = goodbye
            assert await way.said(b"hello") == b"bye"
            await asyncio.sleep(0.6)
            if protocol == SPDY:
                assert way.told("lost") == [
                    "The way to web-0 broke: 1 open connection ended. New ones are forwarded again."
                ]

    asyncio.run(attempt())


REFUSED = 'failed to connect to localhost:8000 inside namespace "x", IPv4: dial tcp4 127.0.0.1:8000: connection refused'


@PROTOCOLS
def test_a_refusal_is_said_once(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(refuses(REFUSED), (protocol,))
        async with forwarded(kubelet, monkeypatch) as way:
            for _ in range(5):
                with pytest.raises(ConnectionResetError):
                    await way.said(b"hello")
            assert way.told("trouble") == ["Nothing listens on port 8000 of web-0: it refused a connection."]
            kubelet.pod = goodbye
            assert await way.said(b"hello") == b"bye"
            assert way.told("recovered") == ["pod/web-0 answers again."]

    asyncio.run(attempt())


def test_what_was_said_to_a_pod_that_is_gone_is_said_to_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(refuses('failed to find sandbox "abc" in store: not found'))
        async with forwarded(kubelet, monkeypatch) as way:
            way.endpoints[:] = [NotYetError("Pod web-0 is Pending."), Endpoint("a", "web-0", 8000, "2")]

            async def comes() -> None:
                while len(way.told("trouble")) < 2:
                    await asyncio.sleep(0.01)
                kubelet.pod = goodbye

            asyncio.get_running_loop().create_task(comes())
            assert await way.said(b"hello") == b"bye"
            assert way.told("trouble", "target") == [
                "web-0 is gone; waiting for the next one.",
                "Pod web-0 is Pending.",
                "web-0 was replaced; forwarding again.",
            ]

    asyncio.run(attempt())


def test_a_new_pod_is_ready_before_it_gets_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        async with forwarded(Kubelet(goodbye), monkeypatch) as way:
            unready, ready = (Endpoint("a", "web-0", 8000, "2", one) for one in (False, True))
            way.endpoints[:] = [unready, ready]
            way.route._forget(way.route._pool)
            assert await way.said(b"hello") == b"bye"
            assert way.told("trouble", "target") == [
                "web-0 runs, but is not ready yet; connections wait for it.",
                "web-0 was replaced; forwarding again.",
            ]

    asyncio.run(attempt())


def test_a_new_pod_that_is_never_ready_gets_them_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlstack.cluster.route._READY_SECONDS", 0.3)

    async def attempt() -> None:
        async with forwarded(Kubelet(goodbye), monkeypatch) as way:
            way.endpoints[:] = [Endpoint("a", "web-0", 8000, "2", False)]
            way.route._forget(way.route._pool)
            assert await way.said(b"hello") == b"bye"

    asyncio.run(attempt())


@pytest.mark.parametrize(
    "after",
    [Endpoint("a", "web-0", 8000, "1", False), Endpoint("a", "web-0", 8000, "2"), Endpoint("a", "b", 8000, "3")],
)
def test_who_is_refused_waits_while_the_pod_is_not_ready_or_another_is(
    monkeypatch: pytest.MonkeyPatch, after: Endpoint
) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(refuses(REFUSED))
        async with forwarded(kubelet, monkeypatch) as way:
            way.endpoints[:] = [after]
            waiting = asyncio.create_task(way.said(b"hello"))
            while len(kubelet.streams) < 2 and not waiting.done():
                await asyncio.sleep(0.01)
            kubelet.pod = goodbye
            assert await waiting == b"bye"
            said = "Nothing listens on port 8000 of web-0: it refused a connection."
            assert way.told("trouble")[0] == said

    asyncio.run(attempt())


def test_who_leaves_while_waiting_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        async with forwarded(Kubelet(goodbye), monkeypatch) as way:
            way.endpoints[:] = [NotYetError("Pod web-0 is Pending.")]
            way.route._forget(way.route._pool)
            _, writer = await way.connect()
            writer.write(b"hello")
            while not way.told("trouble"):
                await asyncio.sleep(0.01)
            carrying = [task for task in asyncio.all_tasks() if "carry" in repr(task.get_coro())]
            assert len(carrying) == 1
            reset(writer)
            await asyncio.wait(carrying, timeout=10)
            assert carrying[0].done()

    asyncio.run(attempt())


def test_tunnels_that_take_nothing_are_an_error_and_no_empty_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_OPEN_SECONDS", 0.1)

    async def attempt() -> None:
        async with forwarded(Kubelet(goodbye, accepts=False), monkeypatch) as way:
            with pytest.raises(ConnectionResetError):
                await way.said(b"hello")
            assert way.told("trouble") == ["web-0:8000 takes no connections."]

    asyncio.run(attempt())


def test_no_pod_for_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        async with forwarded(Kubelet(goodbye), monkeypatch, patience=0.3) as way:
            way.route._forget(way.route._pool)
            way.endpoints[:] = [NotYetError("Pod web-0 is Pending.")]
            with pytest.raises(ConnectionResetError):
                await way.said(b"hello")
            assert way.told("trouble") == ["Pod web-0 is Pending."]

    asyncio.run(attempt())


def test_a_stuck_tunnel_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_OPEN_SECONDS", 0.3)

    async def attempt() -> None:
        kubelet = Kubelet(goodbye, accepts=False)
        async with forwarded(kubelet, monkeypatch) as way:
            waiting = asyncio.create_task(way.said(b"hello"))
            await asyncio.sleep(0.1)
            kubelet.accepts = True
            assert await waiting == b"bye"
            assert len(kubelet.sockets) == 2

    asyncio.run(attempt())


def test_a_client_that_left_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    async def attempt() -> None:
        kubelet = Kubelet(silent)
        async with forwarded(kubelet, monkeypatch) as way:
            _, writer = await way.connect()
            writer.write(b"hello")
            while not kubelet.streams:
                await asyncio.sleep(0.01)
            reset(writer)
            while not kubelet.resets:
                await asyncio.sleep(0.01)
            assert kubelet.resets == [3]

    asyncio.run(attempt())


def test_without_half_closing_silence_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_ANSWER_SECONDS", 0.2)

    async def attempt() -> None:
        async with forwarded(Kubelet(silent, (V4,)), monkeypatch) as way:
            assert await way.said(b"hello", shut=True) == b""

    asyncio.run(attempt())


def test_a_silent_tunnel_is_doubted_and_in_the_end_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlstack.cluster.tunnel._ANSWER_SECONDS", 0.1)
    monkeypatch.setattr(pool, "_DEAD_SECONDS", 0.5)

    async def attempt() -> None:
        kubelet = Kubelet(silent)
        async with forwarded(kubelet, monkeypatch) as way:
            reader, writer = await way.connect()
            writer.write(b"hello")
            while not kubelet.streams:
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.2)  # its reply is a sign of life, too
            kubelet.answers_pings = False
            kubelet.pod = goodbye
            way.route.tend(slept=True)  # asks
            await asyncio.sleep(0.2)
            way.route.tend(slept=False)  # doubts, and looks for another way
            assert way.told("trouble") == ["web-0:8000 has been silent for some seconds; connections wait."]
            assert await way.said(b"hello") == b"bye"
            await asyncio.sleep(0.5)
            assert await way.said(b"hello") == b"bye"
            way.route.tend(slept=False)
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
            writer.close()

    asyncio.run(attempt())


def test_what_a_handshake_can_meet() -> None:
    asked = []

    def refuse(connection: ServerConnection, request: Request) -> Response:
        asked.append((request.path, request.headers["Sec-WebSocket-Protocol"]))
        body = b'{"kind": "Status", "message": "pods \\"web-0\\" not found", "details": {"kind": "pods"}}'
        return Response(http.HTTPStatus.NOT_FOUND, "Not Found", Headers(), body)

    async def attempt() -> None:
        async with serve(Kubelet(echo).serve_one, "127.0.0.1", 0, process_request=refuse) as server:
            connection = Connection("fake", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Fixed([]))
            with pytest.raises(NotFoundError, match='Cannot forward a port to pods/web-0 in namespace a: pods "web-0"'):
                await dial(connection, ENDPOINT)
        with pytest.raises(UnreachableError, match="'fake'"):
            await dial(connection, ENDPOINT)

    asyncio.run(attempt())
    assert asked == [("/api/v1/namespaces/a/pods/web-0/portforward?ports=8000", f"{SPDY}, {V4}")]


@PROTOCOLS
def test_a_message_may_come_in_fragments(monkeypatch: pytest.MonkeyPatch, protocol: str) -> None:
    async def fragments(stream: Stream) -> None:
        await stream.sent.get()
        head = struct.pack(">II", stream.number, 6) if stream.spdy else b"\0"
        await stream.socket.send([head + b"in", b" pa", b"r"])
        await stream.socket.ping()
        await stream.write(b"ts")
        await stream.end()

    async def attempt() -> None:
        async with forwarded(Kubelet(fragments, (protocol,)), monkeypatch) as way:
            assert await way.said(b"hello") == b"in parts"

    asyncio.run(attempt())
