"""Local ports that lead to pods: a listener per port pair, which stays whatever happens behind it."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import threading
import time
import weakref
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any

from mlstack.cluster.client import Client
from mlstack.cluster.local import Local
from mlstack.cluster.notices import Notice, OnNotice
from mlstack.cluster.route import PATIENCE_SECONDS, Route
from mlstack.cluster.targets import Endpoint, NotYetError, PortPair, Target
from mlstack.errors import MlstackError, wrap_unexpected

__all__ = ["LOOPBACK", "Forwarding", "Notice", "OnNotice"]

LOOPBACK = "127.0.0.1"
_LOOPBACK_6 = "::1"
_BACKLOG = 512
_PORTS_TRIED = 100
_TEND_SECONDS = 2.0
_LOOK_SECONDS = 1.0
# The clock on the wall went on by so much more than the loop's: the machine was asleep.
_SLEPT_SECONDS = 15.0
# What a machine without IPv6, or without it on loopback, says.
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT)


class Forwarding:
    """Ports of this machine that lead to a target's ports, as long as the `with` block lasts (on a thread).

    Entering resolves the target (NoTargetError if there is none; NotYetError if nothing runs there after `timeout`
    seconds), opens a tunnel (ForbiddenError …) and listens. `addresses` are "127.0.0.1:8100" and so on, in the pairs'
    order; loopback is listened to with IPv6, too. Pods may come and go: each new connection goes to one that runs, and
    waits for one up to `patience` seconds.
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
        timeout: float = 0.0,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._routes = [Route(client, namespace, target, pair, on_notice, patience=patience) for pair in pairs]
        self._listen_on = LOOPBACK if address == "localhost" else address.strip("[]")
        self._notify = on_notice
        self._timeout = timeout
        self._thread = threading.Thread(target=self._run, daemon=True, name="forward")
        self._up = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end = asyncio.Event()
        self._servers: list[asyncio.Server] = []
        self._tasks: set[asyncio.Task[Any]] = set()
        self._locals: weakref.WeakSet[Local] = weakref.WeakSet()
        self.addresses: tuple[str, ...] = ()

    @property
    def address(self) -> str:
        """The first local address."""
        return self.addresses[0]

    def __enter__(self) -> Forwarding:
        for route in self._routes:
            route.endpoint = self._awaited(route)
        try:
            self._thread.start()
            self._up.wait()
        except BaseException:  # Ctrl-C: no port stays open
            self.stop()
            raise
        if self._failed:
            self._thread.join()
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
        for route in self._routes:
            route.join()

    def wait(self, seconds: float | None = None) -> None:
        """Waits until it is stopped from another thread, at most so long; Ctrl-C ends the waiting."""
        until = None if seconds is None else time.monotonic() + seconds
        # Not for ever at once: a signal that comes just before the wait begins is heard when it looks up again.
        while self._thread.is_alive() and (until is None or time.monotonic() < until):
            self._thread.join(0.5 if until is None else max(0.0, min(0.5, until - time.monotonic())))
        if self._failed:
            raise self._failed

    def _awaited(self, route: Route) -> Endpoint:
        """Where it leads first, waited for; why it waits is told whenever that changes."""
        deadline = time.monotonic() + self._timeout
        told = ""
        while True:
            try:
                return route.resolved()
            except NotYetError as error:
                if time.monotonic() > deadline:
                    raise
                if error.message != told:
                    self._notify(Notice("waiting", f"Waiting: {error.message}"))
                told = error.message
            time.sleep(_LOOK_SECONDS)

    def _run(self) -> None:
        try:
            with wrap_unexpected("forwarding"):
                asyncio.run(self._serve())
        except (MlstackError, BrokenPipeError) as error:
            self._failed = error
        finally:
            self._up.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        try:
            for route in self._routes:
                await route.warm()
                await self._listen(route)
            self._up.set()
            self._start(self._tend())
            await self._end.wait()
        finally:
            await self._close()

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for route in self._routes:
            route.close()
        for local in list(self._locals):
            local.abort()
        await asyncio.sleep(0)  # what was aborted is told so

    async def _tend(self) -> None:
        """Looks after the tunnels, and notices when the machine has slept."""
        while True:
            wall, clock = time.time(), time.monotonic()
            await asyncio.sleep(_TEND_SECONDS)
            asleep = (time.time() - wall) - (time.monotonic() - clock)
            for route in self._routes:
                route.tend(slept=asleep > _SLEPT_SECONDS)

    async def _listen(self, route: Route) -> None:
        wanted = route.pair.local
        for port in range(wanted, min(wanted + _PORTS_TRIED, 65536)) if wanted else (0,) * _PORTS_TRIED:
            try:
                servers = await self._bind(route, port)
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise _cannot_listen(self._listen_on, port, error) from error
                continue
            self._servers += servers
            self._listening(route, _port(servers[0]))
            return
        raise MlstackError(f"Port {wanted} and the {_PORTS_TRIED - 1} after it are all taken.", "Name another one.")

    async def _bind(self, route: Route, port: int) -> list[asyncio.Server]:
        """A listener on the address; for loopback, on that of IPv6 too, if there is one."""
        first = await self._server(route, self._listen_on, port)
        if self._listen_on != LOOPBACK:
            return [first]
        try:
            return [first, await self._server(route, _LOOPBACK_6, _port(first))]
        except OSError as error:
            if error.errno in _NO_SUCH_ADDRESS:
                return [first]
            first.close()
            raise

    async def _server(self, route: Route, address: str, port: int) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: self._local(route), address, port, backlog=_BACKLOG)

    def _local(self, route: Route) -> Local:
        return Local(lambda local: self._accept(route, local), route.answered)

    def _accept(self, route: Route, local: Local) -> None:
        if self._end.is_set():  # it came in the last moment
            local.abort()
            return
        self._locals.add(local)
        self._start(route.carry(local))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _listening(self, route: Route, port: int) -> None:
        if route.pair.local not in (0, port):
            text = f"Port {route.pair.local} is taken on this machine: {port} is used instead."
            self._notify(Notice("moved", text))
        host = f"[{self._listen_on}]" if ":" in self._listen_on else self._listen_on
        self.addresses += (f"{host}:{port}",)
        if not is_loopback(self._listen_on):
            text = f"Whoever can reach {host}:{port} of this machine reaches {route.endpoint}, as you."
            self._notify(Notice("open", text))
        self._notify(Notice("listening", f"Forwarding {host}:{port} to {route.endpoint}."))


def is_loopback(address: str) -> bool:
    """Whether only this machine's programs reach it."""
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address == "localhost"


def _port(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port


def _cannot_listen(address: str, port: int, error: OSError) -> MlstackError:
    problem = f"Cannot listen on {address}:{port}: {(error.strerror or str(error)).lower()}."
    return MlstackError(problem, "Ports below 1024 need special rights: name a higher one." if port < 1024 else "")
