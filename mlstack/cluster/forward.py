"""Local ports that lead to pods: a listener per port pair, a tunnel per connection."""

from __future__ import annotations

import asyncio
import errno
import threading
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.client import ClientConnection

from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.parallel import aside
from mlstack.cluster.targets import Endpoint, PortPair, Target, resolve
from mlstack.cluster.tunnel import RefusedError, Tunnel, dial
from mlstack.errors import MlstackError

LOOPBACK = "127.0.0.1"
_BACKLOG = 512
# What may wait in memory for a slow websocket, per connection.
_BUFFER_BYTES = 1 << 18
_PORTS_TRIED = 100


@dataclass(frozen=True)
class Notice:
    """Something that the user should know. `kind`: "listening", "moved" (another local port), "target" (another pod),
    "trouble" (a connection could not be served), "recovered"."""

    kind: str
    text: str


OnNotice = Callable[[Notice], None]


class Forwarding:
    """Ports of this machine that lead to a target's ports, as long as the `with` block lasts (on a thread).

    Entering resolves the target (NoTargetError if nothing runs there) and listens. `addresses` are "127.0.0.1:8100" and
    so on, in the pairs' order. Pods may come and go: each new connection goes to one that runs.
    """

    def __init__(
        self,
        client: Client,
        namespace: str,
        target: Target,
        pairs: Sequence[PortPair],
        on_notice: OnNotice = lambda notice: None,
        *,
        address: str = LOOPBACK,
    ) -> None:
        self._routes = [_Route(client, namespace, target, pair, on_notice) for pair in pairs]
        self._listen_on = address
        self._notify = on_notice
        self._thread = threading.Thread(target=self._run, daemon=True, name="forward")
        self._up = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self.addresses: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The first local address."""
        return self.addresses[0]

    def __enter__(self) -> Forwarding:
        for route in self._routes:
            route.endpoint = route.resolved()
        self._thread.start()
        self._up.wait()
        if self._failed:
            raise self._failed
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Closes the ports and all connections; returns when they are closed."""
        if self._loop:
            with suppress(RuntimeError):  # it has ended already
                self._loop.call_soon_threadsafe(self._end.set)
            self._thread.join()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it is stopped from another thread, at most so long; Ctrl-C ends the waiting."""
        self._thread.join(seconds)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (MlstackError, OSError) as error:
            self._failed = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            for route in self._routes:
                await self._listen(route)
            self._up.set()
            await self._end.wait()
        finally:
            for server in self._servers:
                server.close()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, route: _Route) -> None:
        wanted = route.pair.local
        for port in range(wanted, min(wanted + _PORTS_TRIED, 65536)) if wanted else (0,):
            try:
                server = await self._bind(route, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise _cannot_listen(self._listen_on, port, error) from error
                continue
            self._servers.append(server)
            self._listening(route, server.sockets[0].getsockname()[1])
            return
        raise MlstackError(f"Port {wanted} and the {_PORTS_TRIED - 1} after it are all taken.", "Name another one.")

    async def _bind(self, route: _Route, port: int) -> asyncio.Server:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._start(route.carry(reader, writer))

        return await asyncio.start_server(accept, self._listen_on, port, backlog=_BACKLOG, limit=_BUFFER_BYTES)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _listening(self, route: _Route, port: int) -> None:
        if route.pair.local not in (0, port):
            text = f"Port {route.pair.local} is taken on this machine: {port} is used instead."
            self._notify(Notice("moved", text))
        address = f"{self._listen_on}:{port}"
        self.addresses += (address,)
        self._notify(Notice("listening", f"Forwarding {address} to {route.endpoint}."))


class _Route:
    """One port pair: where its connections go now."""

    def __init__(self, client: Client, namespace: str, target: Target, pair: PortPair, notify: OnNotice) -> None:
        self.pair = pair
        self.endpoint: Endpoint | None = None
        self._former: Endpoint | None = None
        self._client = client
        self._namespace = namespace
        self._target = target
        self._notify = notify
        self._trouble = ""
        self._resolving = asyncio.Lock()

    def resolved(self) -> Endpoint:
        """The endpoint that the target means now. Sends requests."""
        return resolve(self._client, self._namespace, self._target, self.pair.remote)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its beginning to its end."""
        try:
            async with await self._dial() as socket:
                await Tunnel(socket, reader, writer, self._recovered).run()
        except RefusedError as refused:
            self._troubled(f"Port {self.pair.remote} of {self._target} refused a connection: {refused.message}.")
        except MlstackError as error:
            self._troubled(str(error))
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _dial(self) -> ClientConnection:
        """A websocket to the endpoint known, or, where that one is gone, to the one that took its place."""
        known = self.endpoint
        if known:
            try:
                return await dial(self._client.connection, known)
            except ClusterError:
                self._forget(known)
        return await dial(self._client.connection, await self._current())

    async def _current(self) -> Endpoint:
        async with self._resolving:  # the first of many connections asks, the others take its answer
            if self.endpoint is None:
                self.endpoint = await aside(self.resolved)
                self._moved(self.endpoint)
            return self.endpoint

    def _forget(self, known: Endpoint) -> None:
        if self.endpoint == known:
            self.endpoint = None
            self._former = known

    def _moved(self, endpoint: Endpoint) -> None:
        if endpoint != self._former:
            self._notify(Notice("target", f"{self._target} is now {endpoint}."))

    def _troubled(self, text: str) -> None:
        self._former, self.endpoint = self.endpoint or self._former, None
        if text != self._trouble:  # 500 connections that fail alike are one message
            self._notify(Notice("trouble", text))
        self._trouble = text

    def _recovered(self) -> None:
        if self._trouble:
            self._notify(Notice("recovered", f"{self._target} answers again."))
        self._trouble = ""


def _cannot_listen(address: str, port: int, error: OSError) -> MlstackError:
    problem = f"Cannot listen on {address}:{port}: {(error.strerror or str(error)).lower()}."
    return MlstackError(problem, "Ports below 1024 need special rights: name a higher one." if port < 1024 else "")
