"""The proxy passes everything on, in order and whole, and many bytes are under way at once. No times are asserted."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable

import pytest

from bench.proxy import Proxy, port_of, running

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers all that it got, and says that it is the end, once the other side has."""
    while chunk := await reader.read(65536):
        writer.write(chunk)
        await writer.drain()
    writer.close()


def through(rtt_s: float, talk: Talk, answer: Talk = echo, connections: int = 1) -> Proxy:
    """Talk to a server through a proxy, over several connections at once; gives the proxy, for what it counted."""

    async def all_of_it() -> Proxy:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        proxy = Proxy("127.0.0.1", port_of(server), rtt_s)
        front = await proxy.listen()
        sides = [await asyncio.open_connection("127.0.0.1", port_of(front)) for _ in range(connections)]
        async with asyncio.timeout(30):
            await asyncio.gather(*(talk(*side) for side in sides))
        for _, writer in sides:
            writer.close()
        front.close()
        await proxy.close()
        server.close()
        return proxy

    return asyncio.run(all_of_it())


@pytest.mark.parametrize("rtt_s", [0.0, 0.01])
def test_bytes_arrive_in_order_and_whole(rtt_s: float) -> None:
    data = os.urandom(3_000_000)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def send() -> None:
            for start in range(0, len(data), 9_973):
                writer.write(data[start : start + 9_973])
                await writer.drain()
            writer.write_eof()

        sending = asyncio.create_task(send())
        assert await reader.read(-1) == data
        await sending

    traffic = through(rtt_s, talk).traffic
    assert (traffic.connections, traffic.bytes_up, traffic.bytes_down) == (1, len(data), len(data))


def test_the_end_of_one_direction_leaves_the_other_open() -> None:
    async def answer_after_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got = await reader.read(-1)
        writer.write(b"you said " + got)
        writer.close()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        writer.write_eof()
        assert await reader.read(-1) == b"you said hello"

    through(0.01, talk, answer_after_the_end)


def test_many_connections_are_served_at_once() -> None:
    together = asyncio.Barrier(100)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        assert await reader.readexactly(1) == b"x"
        await together.wait()  # not one of them may have to end before another one is served
        writer.write(b"y")
        assert await reader.readexactly(1) == b"y"

    assert through(0.005, talk, connections=100).traffic.connections == 100


def test_bytes_sent_later_do_not_wait_behind_earlier_ones() -> None:
    """Twenty messages in a row are through before another connection has gone to and fro five times.

    A proxy that slept for each message would need ten of these.
    """
    rounds = 0
    rounds_needed: list[int] = []

    async def go_to_and_fro(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal rounds
        while not rounds_needed:
            writer.write(b"x")
            await reader.readexactly(1)
            rounds += 1

    async def send_in_a_row(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        await reader.readexactly(1)
        begin = rounds
        for _ in range(20):
            writer.write(b"x")
            await asyncio.sleep(0.001)  # so that the proxy reads each by itself
        await reader.readexactly(20)
        rounds_needed.append(rounds - begin)

    talks = iter([go_to_and_fro, send_in_a_row])

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(talks)(reader, writer)

    through(0.1, talk, connections=2)
    assert rounds_needed[0] < 5


def test_a_target_that_refuses_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]

    async def ask() -> bytes:
        proxy = Proxy("127.0.0.1", port, 0.0)
        front = await proxy.listen()
        reader, writer = await asyncio.open_connection("127.0.0.1", port_of(front))
        async with asyncio.timeout(30):
            got = await reader.read(-1)
        writer.close()
        front.close()
        await proxy.close()
        return got

    assert asyncio.run(ask()) == b""


def test_running_serves_from_a_thread_and_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with (
            running("127.0.0.1", server.getsockname()[1], 0.002) as port,
            socket.create_connection(("127.0.0.1", port), timeout=30) as client,
        ):
            client.sendall(b"ping")
            far, _ = server.accept()
            with far:
                assert far.recv(4) == b"ping"
                far.sendall(b"pong")
                assert client.recv(4) == b"pong"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=30)
