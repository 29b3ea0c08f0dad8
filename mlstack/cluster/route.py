"""Where the connections to a forwarded port go: to a pod of the target, and when that is gone, to the next one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass

from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, NotFoundError, UnreachableError
from mlstack.cluster.local import LeftError, Local, LostError, StuckError
from mlstack.cluster.parallel import aside
from mlstack.cluster.podwatch import PodWatch
from mlstack.cluster.pool import Pool
from mlstack.cluster.targets import Endpoint, NoTargetError, PortPair, Target, resolve
from mlstack.cluster.tunnel import RefusedError, Tunnel, dial
from mlstack.errors import MlstackError

# How long a connection waits for a pod that is on its way, or a server that restarts. kubectl waits 30 s, too.
PATIENCE_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# An answer to "which pod?" that failed is true for a moment: 50 connections shall not ask 50 times.
_FRESH_SECONDS = 0.5
_ATTEMPTS = 4
# What a kubelet says when it never reached the pod, because that is no more: the next one may hear what was said.
_NO_POD = re.compile(
    r"failed to find sandbox|network namespace for sandbox .* is closed|sandbox .* not found|no running sandbox"
    r"|container not running|pod not found|no such file or directory"
)
_REFUSED = re.compile(r"connection refused|failed to connect to localhost")


@dataclass(frozen=True)
class Notice:
    """Something that the user should know. `kind`: "listening", "moved" (another local port), "target" (another pod),
    "lost" (open connections ended), "trouble" (a connection waits or could not be served), "recovered"."""

    kind: str
    text: str


OnNotice = Callable[[Notice], None]


class Route:
    """One port pair: where its connections go now. Lives on the event loop, but for `resolved`."""

    def __init__(
        self,
        client: Client,
        namespace: str,
        target: Target,
        pair: PortPair,
        notify: OnNotice,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self.pair = pair
        self.endpoint: Endpoint | None = None
        self._former: Endpoint | None = None
        self._client = client
        self._namespace = namespace
        self._target = target
        self._notify = notify
        self._patience = patience
        self._trouble = ""
        self._broken = 0
        self._asking: asyncio.Lock | None = None
        self._failure: tuple[float, MlstackError] | None = None
        self._pools: list[Pool] = []
        self._pool: Pool | None = None
        self._watch: PodWatch | None = None
        self._look: asyncio.Task[None] | None = None

    def resolved(self) -> Endpoint:
        """The endpoint that the target means now. Sends requests."""
        return resolve(self._client, self._namespace, self._target, self.pair.remote)

    async def warm(self) -> None:
        """A tunnel before the first connection asks for it. Raises what forbids any: ForbiddenError …"""
        self._loop = asyncio.get_running_loop()
        self._asking = asyncio.Lock()
        try:
            tunnel, _ = await self._attempt()
            if not tunnel.shared:
                tunnel.close()
        except MlstackError as error:
            if not _passing(error):
                raise
            self._troubled(str(error))

    async def carry(self, local: Local) -> None:
        """One connection from its beginning to its end."""
        try:
            await self._carried(local)
            local.close()
        except LeftError:
            local.abort()
        except LostError:  # what ended with its tunnel is told once for all
            local.break_off()
        except MlstackError as error:
            local.break_off()
            self._troubled(str(error))
        except BaseException:
            local.abort()
            raise

    def answered(self) -> None:
        """Bytes came from the pod."""
        if self._trouble:
            self._notify(Notice("recovered", f"{self._target} answers again."))
        self._trouble = ""

    def tend(self, *, slept: bool) -> None:
        """To be called every few seconds."""
        for pool in list(self._pools):
            pool.tend(slept=slept)
            if pool.retired and not pool.tunnels:
                self._pools.remove(pool)
        if self._pool is None and (self._look is None or self._look.done()):
            self._look = self._loop.create_task(self._look_again())
        if self._pool and self._pool.quiet:
            self._troubled(f"{self._former or self._target} has been silent for some seconds; connections wait.")
        elif self._trouble.endswith("connections wait."):
            self.answered()

    async def _look_again(self) -> None:
        """Goes on to the next pod before a connection asks for it, so that whoever watches is told."""
        try:
            await self._attempt()
        except MlstackError as error:
            self._troubled(str(error))

    def close(self) -> None:
        """Ends all tunnels."""
        if self._look:
            self._look.cancel()
        if self._watch:
            self._watch.stop()
        for pool in self._pools:
            pool.close()

    def join(self) -> None:
        """After `close`, from another thread: waits for what runs beside the loop."""
        if self._watch:
            self._watch.join()

    async def _carried(self, local: Local) -> None:
        refused = ""
        for _ in range(_ATTEMPTS):
            tunnel, port = await self._tunnel()
            try:
                refused = await local.ride(tunnel, port)
            except StuckError:
                tunnel.close() if not tunnel.riders else tunnel.ask()
                continue
            if not (local.untold and _NO_POD.search(refused)):
                break
            self._forget(self._pool)
        if refused:
            raise RefusedError(self._refusal(refused))

    def _refusal(self, error: str) -> str:
        where = self._former or self._target
        if _REFUSED.search(error):
            port = where.port if isinstance(where, Endpoint) else self.pair.remote
            name = where.pod if isinstance(where, Endpoint) else where
            return f"Nothing listens on port {port} of {name}: it refused a connection."
        return f"{where} ended a connection: {error.rstrip('.')}."

    async def _tunnel(self) -> tuple[Tunnel, int]:
        """A tunnel, waited for as long as it may still come. Raises MlstackError."""
        deadline = self._loop.time() + self._patience
        pause = _FIRST_PAUSE
        while True:
            try:
                return await self._attempt()
            except MlstackError as error:
                if not _passing(error) or self._loop.time() + pause > deadline:
                    raise
                self._troubled(str(error))
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _attempt(self) -> tuple[Tunnel, int]:
        pool, endpoint = await self._current()
        try:
            return await pool.take(endpoint.port), endpoint.port
        except NotFoundError:
            self._forget(pool)
            raise

    async def _current(self) -> tuple[Pool, Endpoint]:
        assert self._asking
        async with self._asking:  # the first of many connections asks, the others take its answer
            if self.endpoint is None:
                self._refuse_lately()
                try:
                    self.endpoint = await aside(self.resolved)
                except MlstackError as error:
                    self._failure = self._loop.time(), error
                    raise
            if self._pool is None:
                self._found(self.endpoint)
            assert self._pool
            return self._pool, self.endpoint

    def _refuse_lately(self) -> None:
        if self._failure and self._loop.time() - self._failure[0] < _FRESH_SECONDS:
            raise self._failure[1]

    def _found(self, endpoint: Endpoint) -> None:
        """Connections go there from now on."""
        former, self._former = self._former, endpoint
        pool = self._pool = Pool(
            lambda port, on_end: dial(self._client.connection, endpoint.at(port), on_end),
            lambda count: self._lost(endpoint, count),
        )
        self._pools.append(pool)
        if self._watch:
            self._watch.stop()
        self._watch = PodWatch(self._client, endpoint, self._later(pool, False), self._later(pool, True))
        if former and former != endpoint:
            same = former.pod == endpoint.pod
            text = f"{endpoint.pod} was replaced" if same else f"{self._target} is now {endpoint}"
            self._notify(Notice("target", f"{text}; forwarding again."))
            self._trouble = ""

    def _later(self, pool: Pool, gone: bool) -> Callable[[], None]:
        """From the watch's thread to the loop."""

        def call() -> None:
            try:
                self._loop.call_soon_threadsafe(self._leaving, pool, gone)
            except RuntimeError:
                return  # the loop has ended

        return call

    def _leaving(self, pool: Pool, gone: bool) -> None:
        """The pod is being deleted, or is gone: nothing new goes to it, and nothing of it is left in the end."""
        self._forget(pool)
        if gone:
            pool.close()

    def _forget(self, pool: Pool | None) -> None:
        if pool:
            pool.retire()
        if pool is self._pool:
            self.endpoint = self._pool = None

    def _lost(self, endpoint: Endpoint, count: int) -> None:
        """A tunnel broke. They mostly break together: they are counted for a moment and told at once."""
        if not self._broken:
            self._loop.call_later(_FRESH_SECONDS, self._tell_lost, endpoint)
        self._broken += count

    def _tell_lost(self, endpoint: Endpoint) -> None:
        count, self._broken = self._broken, 0
        what = "1 open connection" if count == 1 else f"{count} open connections"
        self._notify(Notice("lost", f"The way to {endpoint.pod} broke: {what} ended. New ones are forwarded again."))

    def _troubled(self, text: str) -> None:
        if text != self._trouble:  # 500 connections that fail alike are one message
            self._notify(Notice("trouble", text))
        self._trouble = text


def _passing(error: MlstackError) -> bool:
    """Whether it may be over in a moment without anybody doing anything."""
    if isinstance(error, ClusterError):
        return error.retryable or isinstance(error, NotFoundError | UnreachableError)
    return isinstance(error, NoTargetError)
