"""A TCP proxy that makes a round trip last longer, as a far network does: everything is late, nothing is slower.

Each direction is a queue: what arrived waits half the round trip and leaves, however much came before it. (A sleep per
chunk would limit the throughput, which a far server does not.) TLS passes through unread. A new connection's first
bytes wait one round trip more, for TCP's handshake, which is over at once on loopback.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass

CHUNK = 256 * 1024
WINDOW = 64
"""Chunks under way in one direction of one connection before its sender has to wait."""


@dataclass
class Traffic:
    """What went through so far."""

    connections: int = 0
    bytes_up: int = 0
    bytes_down: int = 0


class Proxy:
    """Passes connections on to `host`:`port`, each direction `rtt_s` / 2 late."""

    def __init__(self, host: str, port: int, rtt_s: float) -> None:
        self.traffic = Traffic()
        self._target = (host, port)
        self._rtt_s = rtt_s
        self._open: set[asyncio.Task[None]] = set()

    async def listen(self) -> asyncio.Server:
        """Listen on a free port of loopback; `port_of` says which."""
        return await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK, backlog=1024)

    async def close(self) -> None:
        """Ends the connections that are still open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.traffic.connections += 1
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await asyncio.sleep(self._rtt_s)
                await self._join(reader, writer)
        finally:
            self._open.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(*self._target, limit=CHUNK)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pass(reader, far_writer, up=True))
                group.create_task(self._pass(far_reader, writer, up=False))
        except* OSError:
            pass  # one side left: the other one hears it by the closing of its connection
        finally:
            far_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        _no_delay(writer)
        queue: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(WINDOW)
        async with asyncio.TaskGroup() as group:
            group.create_task(_deliver(queue, writer))
            clock = asyncio.get_running_loop().time
            while chunk := await reader.read(CHUNK):
                self._count(len(chunk), up)
                await queue.put((clock() + self._rtt_s / 2, chunk))
            await queue.put((clock() + self._rtt_s / 2, b""))

    def _count(self, size: int, up: bool) -> None:
        if up:
            self.traffic.bytes_up += size
        else:
            self.traffic.bytes_down += size


async def _deliver(queue: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
    """Write each chunk when it is due; an empty one is the end of this direction."""
    loop = asyncio.get_running_loop()
    while True:
        due, chunk = await queue.get()
        if (wait := due - loop.time()) > 0:
            await asyncio.sleep(wait)
        if not chunk:
            if writer.can_write_eof():
                writer.write_eof()
            return
        writer.write(chunk)
        await writer.drain()


def _no_delay(writer: asyncio.StreamWriter) -> None:
    raw = writer.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def port_of(server: asyncio.Server) -> int:
    """The port that a server listens on."""
    port: int = server.sockets[0].getsockname()[1]
    return port


def allow_many_descriptors() -> None:
    """Two sockets per connection: raise the soft limit of open files to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


@contextlib.contextmanager
def running(host: str, port: int, rtt_s: float) -> Iterator[int]:
    """A proxy in a thread of its own while the block runs; gives its port."""
    allow_many_descriptors()
    proxy = Proxy(host, port, rtt_s)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="latency proxy", daemon=True)
    thread.start()
    server = asyncio.run_coroutine_threadsafe(proxy.listen(), loop).result()
    try:
        yield port_of(server)
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(proxy.close(), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
