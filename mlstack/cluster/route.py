"""Where the connections to a forwarded port go: to a pod of the target, and when that is gone, to the next one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, NotFoundError, UnreachableError
from mlstack.cluster.local import LeftError, Local, LostError, StuckError
from mlstack.cluster.notices import OnNotice, Teller
from mlstack.cluster.parallel import aside
from mlstack.cluster.podwatch import PodWatch
from mlstack.cluster.pool import Pool
from mlstack.cluster.targets import Endpoint, NoTargetError, NotYetError, PortPair, Target, resolve
from mlstack.cluster.tunnel import RefusedError, Tunnel, dial
from mlstack.errors import MlstackError

# How long a connection waits for a pod that is on its way, or a server that restarts: browsers give up then, too.
PATIENCE_SECONDS = 300.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0
# An answer to "which pod?" is true for a moment: 50 connections shall not ask 50 times.
_FRESH_SECONDS = 0.5
# A new pod that runs and is not ready is waited for so long; some never are.
_READY_SECONDS = 30.0
# What runs in a new pod may need so long until it listens, where nothing else says when it is ready.
_YOUNG_SECONDS = 10.0
_ATTEMPTS = 4
# What a kubelet says when it never reached the pod, because that is no more: the next one may hear what was said.
_NO_POD = re.compile(
    r"failed to find sandbox|network namespace for sandbox .* is closed|sandbox .* not found|no running sandbox"
    r"|container not running|pod not found|no such file or directory"
)
_REFUSED = re.compile(r"connection refused|failed to connect to localhost")


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
        self._tell = Teller(notify, target)
        self._patience = patience
        self._asking: asyncio.Lock | None = None
        self._seen: tuple[float, Endpoint | MlstackError] | None = None
        self._unready: tuple[str, float] = "", 0.0
        self._young = 0.0
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
            self._tell.failed(error, self._former)

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
            self._tell.failed(error, self._former)
        except BaseException:
            local.abort()
            raise

    def answered(self) -> None:
        """Bytes came from the pod."""
        self._tell.answered()

    def tend(self, *, slept: bool) -> None:
        """To be called every few seconds."""
        for pool in list(self._pools):
            pool.tend(slept=slept)
            if pool.retired and not pool.tunnels:
                self._pools.remove(pool)
        if self._pool is None and (self._look is None or self._look.done()):
            self._look = self._loop.create_task(self._look_again())
        if self._pool and self._pool.quiet:
            self._tell.silent(self._former)
        else:
            self._tell.heard()

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

    async def _look_again(self) -> None:
        """Goes on to the next pod before a connection asks for it, so that whoever watches is told."""
        try:
            await self._attempt()
        except MlstackError as error:
            self._tell.failed(error, self._former)

    async def _carried(self, local: Local) -> None:
        wait = _Wait(local, self._patience)
        stuck = 0
        while True:
            tunnel, port = await self._tunnel(wait)
            try:
                refused = await local.ride(tunnel, port)
            except StuckError:
                tunnel.close() if not tunnel.riders else tunnel.ask()
                stuck += 1
                if stuck == _ATTEMPTS:
                    raise RefusedError(f"{self._former or self._target} takes no connections.") from None
                continue
            if not refused:
                return
            error = self._refusal(refused)
            if not (local.untold and await self._may_yet(refused)):
                raise error
            await self._pause(wait, error)

    async def _may_yet(self, refused: str) -> bool:
        """Whether another attempt may fare better: the pod is gone, is not ready, or has only just come."""
        if _NO_POD.search(refused):
            self._forget(self._pool)
            return True
        if not _REFUSED.search(refused):
            return False
        if self._loop.time() < self._young:
            return True
        try:
            found = await self._asked(self._loop.time())
        except MlstackError:
            return False
        if found != self._former:
            self._forget(self._pool)
        return found != self._former or not found.ready

    def _refusal(self, said: str) -> MlstackError:
        """The pod's side ended a connection with these words."""
        where = self._former or self._target
        pod, port = (where.pod, where.port) if isinstance(where, Endpoint) else (where, self.pair.remote)
        if _NO_POD.search(said):
            return NoTargetError(f"{pod} is gone.")
        if _REFUSED.search(said):
            return RefusedError(f"Nothing listens on port {port} of {pod}: it refused a connection.")
        return RefusedError(f"{where} ended a connection: {said.rstrip('.')}.")

    async def _tunnel(self, wait: _Wait) -> tuple[Tunnel, int]:
        """A tunnel, waited for as long as it may still come. Raises MlstackError, LeftError."""
        while True:
            try:
                return await self._attempt()
            except MlstackError as error:
                if not _passing(error):
                    raise
                await self._pause(wait, error)

    async def _pause(self, wait: _Wait, error: MlstackError) -> None:
        """Before the next attempt. Raises the error at the end of patience, LeftError if nobody waits any more."""
        wait.check(error)
        self._tell.failed(error, self._former)
        await wait.pause()

    async def _attempt(self) -> tuple[Tunnel, int]:
        pool, endpoint = await self._current()
        try:
            return await pool.take(endpoint.port), endpoint.port
        except NotFoundError:
            self._forget(pool)
            raise

    async def _current(self) -> tuple[Pool, Endpoint]:
        if self.endpoint is None:
            found = await self._asked(self._loop.time() - _FRESH_SECONDS)
            if self.endpoint is None:  # nobody else was quicker
                self._hold_out(found)
                self.endpoint = found
        if self._pool is None:
            self._found(self.endpoint)
        assert self._pool
        return self._pool, self.endpoint

    async def _asked(self, since: float) -> Endpoint:
        """What the target means, as of `since` or later. Of many connections the first asks for all."""
        assert self._asking
        async with self._asking:
            if self._seen is None or self._seen[0] < since:
                try:
                    found: Endpoint | MlstackError = await aside(self.resolved)
                except MlstackError as error:
                    found = error
                self._seen = self._loop.time(), found
            found = self._seen[1]
        if isinstance(found, MlstackError):
            raise found
        return found

    def _hold_out(self, endpoint: Endpoint) -> None:
        """Raises NotYetError for a new pod that is not ready, unless it has not been for long."""
        if endpoint.ready or self._former in (None, endpoint):
            return
        now = self._loop.time()
        if self._unready[0] != endpoint.uid:
            self._unready = endpoint.uid, now
        if now - self._unready[1] < _READY_SECONDS:
            raise NotYetError(f"{endpoint.pod} runs, but is not ready yet; connections wait for it.")

    def _found(self, endpoint: Endpoint) -> None:
        """Connections go there from now on."""
        former, self._former = self._former, endpoint
        pool = self._pool = Pool(
            lambda port, on_end: dial(self._client.connection, endpoint.at(port), on_end),
            lambda count: self._tell.lost(endpoint, count),
        )
        self._pools.append(pool)
        if self._watch:
            self._watch.stop()
        self._watch = PodWatch(self._client, endpoint, self._later(pool, False), self._later(pool, True))
        if former and former != endpoint:
            self._young = self._loop.time() + _YOUNG_SECONDS
            self._tell.found(endpoint, former)

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
        """Nothing new goes through these tunnels, and what is known of the target is to be asked anew."""
        self._seen = None
        if pool:
            pool.retire()
        if pool is self._pool:
            self.endpoint = self._pool = None


class _Wait:
    """A connection's patience: pauses that grow, until it ends or the connection does."""

    def __init__(self, local: Local, seconds: float) -> None:
        self._local = local
        self._time = asyncio.get_running_loop().time
        self._deadline = self._time() + seconds
        self._next = _FIRST_PAUSE

    def check(self, error: MlstackError) -> None:
        """Raises the error if there is no time for another pause."""
        if self._local.left:
            raise LeftError
        if self._time() + self._next > self._deadline:
            raise error

    async def pause(self) -> None:
        """A pause, longer than the last."""
        await asyncio.sleep(self._next)
        self._next = min(2 * self._next, _LONGEST_PAUSE)


def _passing(error: MlstackError) -> bool:
    """Whether it may be over in a moment without anybody doing anything."""
    if isinstance(error, ClusterError):
        return error.retryable or isinstance(error, NotFoundError | UnreachableError)
    return isinstance(error, NoTargetError)
