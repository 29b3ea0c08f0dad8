"""The tunnels to one pod: which of them takes the next connection, and which of them still live.

A tunnel is held by a rider that reads slowly, and all who ride with it wait. So each of the first connections at once
has one of its own, which the next connection takes when that one ends; only more than that share. A held tunnel gets no
more riders. kubectl puts all into one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mlstack.cluster.tunnel import Tunnel
from mlstack.errors import MlstackError

# Browsers open six connections at once to a host, and websockets beside them.
_TUNNELS = 8
_IDLE_SECONDS = 60.0
# kubectl's, too. It keeps connections through proxies and load balancers from being cut for idleness.
_ASK_SECONDS = 10.0
# Silent for so long while another tunnel answers: the network has forgotten it (a laptop slept, an address changed).
_DEAD_SECONDS = 60.0

Dial = Callable[[int, Callable[[Tunnel], None]], Awaitable[Tunnel]]


class Pool:
    """Tunnels to one pod. `dial(port, on_end)` opens one; `on_lost` hears how many connections ended with one."""

    def __init__(self, dial: Dial, on_lost: Callable[[int], None] = lambda count: None) -> None:
        self._dial_one = dial
        self._on_lost = on_lost
        self._dialing = 0
        self._changed = asyncio.Event()
        self._probe: asyncio.Task[None] | None = None
        self.tunnels: list[Tunnel] = []
        self.retired = False

    async def take(self, port: int) -> Tunnel:
        """A tunnel for a new connection, to be boarded at once. Raises ClusterError."""
        while True:
            found = self._best()
            if found:
                return found
            if self._dialing < _TUNNELS:
                return await self._dialed(port)
            self._changed.clear()
            await self._changed.wait()

    def retire(self) -> None:
        """The pod is on its way out: no new connections; the ones that it has may end by themselves."""
        self.retired = True
        self._close_idle()

    def close(self) -> None:
        """Ends all."""
        self.retired = True
        if self._probe:
            self._probe.cancel()
        for tunnel in list(self.tunnels):
            tunnel.close()

    @property
    def quiet(self) -> bool:
        """Whether connections ride in tunnels that owe an answer."""
        return any(tunnel.doubtful and tunnel.riders for tunnel in self.tunnels)

    def tend(self, *, slept: bool) -> None:
        """To be called every few seconds; `slept`: the machine was asleep just now, so each tunnel is in doubt."""
        self._close_idle()
        now = asyncio.get_running_loop().time()
        for tunnel in list(self.tunnels):
            if slept or now - tunnel.heard > _ASK_SECONDS:
                tunnel.ask()
            if tunnel.silent(_DEAD_SECONDS) and any(other.heard > now - _DEAD_SECONDS for other in self.tunnels):
                tunnel.close()
        if self.quiet and not any(tunnel.usable for tunnel in self.tunnels) and not self._probing:
            self._probe = asyncio.get_running_loop().create_task(self._look())

    @property
    def _probing(self) -> bool:
        return bool(self._probe and not self._probe.done())

    async def _look(self) -> None:
        """Whether a new tunnel can be opened where the old ones are silent."""
        try:
            await self._dialed(1)
        except MlstackError:
            return  # the next connection says it, and the next look may succeed

    def _best(self) -> Tunnel | None:
        usable = [tunnel for tunnel in self.tunnels if tunnel.usable and tunnel.shared]
        least = min(usable, key=lambda tunnel: len(tunnel.riders), default=None)
        if least and (not least.riders or len(usable) + self._dialing >= _TUNNELS):
            return least
        return None

    async def _dialed(self, port: int) -> Tunnel:
        self._dialing += 1
        try:
            tunnel = await self._dial_one(port, self._ended)
        finally:
            self._dialing -= 1
            self._changed.set()
        if tunnel.open:
            self.tunnels.append(tunnel)
        return tunnel

    def _ended(self, tunnel: Tunnel) -> None:
        if tunnel in self.tunnels:
            self.tunnels.remove(tunnel)
            if tunnel.lost and not self.retired:
                self._on_lost(tunnel.lost)

    def _close_idle(self) -> None:
        now = asyncio.get_running_loop().time()
        idle = [tunnel for tunnel in self.tunnels if not tunnel.riders]
        for tunnel in idle if self.retired else idle[1:]:
            if self.retired or now - tunnel.idle_since > _IDLE_SECONDS:
                self.tunnels.remove(tunnel)
                tunnel.close()
