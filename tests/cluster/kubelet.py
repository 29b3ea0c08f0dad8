"""An API server's port-forward of the tests' own, for what a real one does only when something breaks.

It speaks SPDY in a websocket, or v4 where that is all it offers; what a pod does is a coroutine.
"""

from __future__ import annotations

import asyncio
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.server import ServerProtocol

from mlstack.cluster import route as routes
from mlstack.cluster.channels import SUBPROTOCOL as V4
from mlstack.cluster.connection import Connection
from mlstack.cluster.credentials import Fixed
from mlstack.cluster.local import Local
from mlstack.cluster.notices import Notice
from mlstack.cluster.route import Route
from mlstack.cluster.spdy import SUBPROTOCOL as SPDY
from mlstack.cluster.spdy import dictionary
from mlstack.cluster.targets import Endpoint, PortPair, Target

Pod = Callable[["Stream"], Awaitable[None]]


@dataclass
class Stream:
    """One forwarded connection, as the pod's side has it. `sent` holds what came; b"" is the end."""

    socket: ServerConnection
    number: int
    port: int
    sent: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)

    @property
    def spdy(self) -> bool:
        """Whether it is one of many."""
        return self.socket.subprotocol == SPDY

    async def write(self, data: bytes) -> None:
        """Bytes to the client, in frames of 32 KiB as the kubelet's."""
        for at in range(0, len(data), 1 << 15):
            part = data[at : at + (1 << 15)]
            await self.socket.send(struct.pack(">II", self.number, len(part)) + part if self.spdy else b"\0" + part)

    async def end(self, error: str = "") -> None:
        """Ends it."""
        if not self.spdy:
            if error:
                await self.socket.send(b"\1" + error.encode())
            await self.socket.close()
            return
        failed = struct.pack(">II", self.number - 2, len(error)) + error.encode() if error else b""
        shut = struct.pack(">II", self.number, 1 << 24) + failed
        await self.socket.send(shut + struct.pack(">IIII", 0x80030003, 8, self.number - 2, 5))


@dataclass
class Kubelet:
    """What it was asked and does: `offers` are its subprotocols, `accepts` whether streams are accepted."""

    pod: Pod
    offers: tuple[str, ...] = (SPDY, V4)
    accepts: bool = True
    answers_pings: bool = True
    sockets: list[ServerConnection] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)
    resets: list[int] = field(default_factory=list)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def socket(self, protocol: ServerProtocol, server: Server, **settings: Any) -> ServerConnection:
        """What websockets makes for a request: it would refuse SPDY's name, which is no token."""

        def choose(headers: Headers) -> Any:
            asked = headers["Sec-WebSocket-Protocol"].split(", ")
            return next((offer for offer in self.offers if offer in asked), None)

        protocol.process_subprotocol = choose  # type: ignore[method-assign]
        return ServerConnection(protocol, server, **settings)

    async def serve_one(self, socket: ServerConnection) -> None:
        """One websocket."""
        self.sockets.append(socket)
        if socket.subprotocol == V4:
            return await self._v4(socket)
        known: dict[int, Stream] = {}
        unpack, rest = zlib.decompressobj(zdict=dictionary()), b""
        with suppress(ConnectionClosed):
            async for message in socket:
                assert isinstance(message, bytes)
                rest += message
                while len(rest) >= 8 and len(rest) >= 8 + (size := int.from_bytes(rest[5:8], "big")):
                    word, flags = struct.unpack_from(">IB", rest)
                    body, rest = rest[8 : 8 + size], rest[8 + size :]
                    await self._frame(socket, known, unpack, word, flags, body)
        return None

    async def _frame(
        self, socket: ServerConnection, known: dict[int, Stream], unpack: Any, word: int, flags: int, body: bytes
    ) -> None:
        if word == 0x80030001:
            number = struct.unpack_from(">I", body)[0]
            header = unpack.decompress(body[10:])
            if b"error" not in header and self.accepts:
                await socket.send(struct.pack(">III", 0x80030002, 4, number - 2))
                await socket.send(struct.pack(">III", 0x80030002, 4, number))
                known[number] = self._begin(Stream(socket, number, 0))
        elif word == 0x80030003:
            self.resets.append(struct.unpack_from(">I", body)[0])
        elif word == 0x80030006 and self.answers_pings:
            await socket.send(struct.pack(">II", word, 4) + body)
        elif word in known:
            if body:
                known[word].sent.put_nowait(body)
            if flags & 1:
                known[word].sent.put_nowait(b"")

    async def _v4(self, socket: ServerConnection) -> None:
        await socket.send(b"\0" + (8000).to_bytes(2, "little"))
        await socket.send(b"\1" + (8000).to_bytes(2, "little"))
        stream = self._begin(Stream(socket, 0, 8000))
        with suppress(ConnectionClosed):
            async for message in socket:
                assert isinstance(message, bytes)
                stream.sent.put_nowait(message[1:])

    def _begin(self, stream: Stream) -> Stream:
        self.streams.append(stream)
        task = asyncio.get_running_loop().create_task(self._run(stream))
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return stream

    async def _run(self, stream: Stream) -> None:
        with suppress(ConnectionClosed):
            await self.pod(stream)


@dataclass
class Forwarded:
    """A route through it, with a listener."""

    port: int
    route: Route
    notices: list[Notice]
    endpoints: list[Endpoint | Exception]

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection as a program of this machine makes it."""
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def said(self, sent: bytes, *, shut: bool = False) -> bytes:
        """All that a program hears that says `sent` (and then `shut`s its side)."""
        reader, writer = await self.connect()
        writer.write(sent)
        if shut:
            writer.write_eof()
        try:
            return await reader.read()
        finally:
            writer.close()

    def told(self, *kinds: str) -> list[str]:
        """The texts of the notices of these kinds."""
        return [notice.text for notice in self.notices if notice.kind in kinds]


@asynccontextmanager
async def forwarded(kubelet: Kubelet, patch: pytest.MonkeyPatch, *, patience: float = 5.0) -> AsyncIterator[Forwarded]:
    """A route to pod web-0, port 8000, behind `kubelet`. `endpoints` are what asking for the pod gives, one by one."""
    endpoints: list[Endpoint | Exception] = [Endpoint("a", "web-0", 8000, "1")]

    def resolve(*_: object) -> Endpoint:
        found = endpoints[0] if len(endpoints) == 1 else endpoints.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    patch.setattr(routes, "resolve", resolve)
    patch.setattr(routes, "PodWatch", lambda *_: SimpleNamespace(stop=lambda: None, join=lambda: None))
    loop = asyncio.get_running_loop()
    notices: list[Notice] = []
    made: Any = kubelet.socket  # serve wants a class, and calls it
    async with serve(kubelet.serve_one, "127.0.0.1", 0, create_connection=made) as server:
        connection = Connection("fake", f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", Fixed([]))
        client: Any = SimpleNamespace(connection=connection)
        route = Route(client, "a", Target("pod", "web-0"), PortPair(0, 8000), notices.append, patience=patience)
        await route.warm()
        tasks: set[asyncio.Task[None]] = set()
        listener = await loop.create_server(
            lambda: Local(lambda local: tasks.add(loop.create_task(route.carry(local))), route.answered), "127.0.0.1", 0
        )
        try:
            yield Forwarded(listener.sockets[0].getsockname()[1], route, notices, endpoints)
        finally:
            listener.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            route.close()
