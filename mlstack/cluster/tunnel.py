"""A websocket to the API server that carries connections to one pod: many with SPDY in it, one without.

Whoever is carried is a `Rider`; the tunnel tells it what happens. Nothing here waits: what comes is handed on within
the same turn of the event loop, which is what makes it as fast as it is. A rider that cannot take more holds the whole
tunnel (SPDY as spoken here has no windows); `Pool` sees that few ride together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol

from mlstack.cluster import channels, spdy
from mlstack.cluster.channels import Channels
from mlstack.cluster.connection import Connection
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.parallel import aside
from mlstack.cluster.request import Request
from mlstack.cluster.spdy import Ended, Event, Leaving, Message, Opened, Over, Part, Spdy
from mlstack.cluster.targets import Endpoint
from mlstack.cluster.translate import Asked, from_status, from_transport
from mlstack.cluster.websocket import DeclinedError, Websocket, open_websocket

_POD = well_known("v1", "Pod")
_PROTOCOLS = f"{spdy.SUBPROTOCOL}, {channels.SUBPROTOCOL}"
# How much of what was read locally goes into one message; the kubelet reads a message whole.
_PART_BYTES = 1 << 16
# A question to which no answer has come after this long makes a tunnel doubtful: no new connection takes it.
_ANSWER_SECONDS = 5.0


class RefusedError(ClusterError):
    """The pod's side ended the connection with an error: nothing listens on that port, mostly."""


class Rider(Protocol):
    """A connection that a tunnel carries."""

    def opened(self) -> None:
        """The pod's side knows it: bytes may be sent."""

    def part(self, data: memoryview) -> None:
        """Bytes from the pod. More may follow at once, and then `flush`."""

    def flush(self) -> None:
        """No more parts for now."""

    def ended(self) -> None:
        """The pod sends nothing more."""

    def over(self, error: str) -> None:
        """It is over, with an error or without."""

    def lost(self) -> None:
        """The tunnel broke."""

    def pause(self) -> None:
        """The tunnel takes no more bytes for now."""

    def resume(self) -> None:
        """It does again."""


class Tunnel:
    """An open websocket and its riders. `on_end` is called once, when it is no more."""

    def __init__(self, socket: Websocket, on_end: Callable[[Tunnel], None] = lambda tunnel: None) -> None:
        self._socket = socket
        self._framing: Spdy | Channels = Spdy() if socket.subprotocol == spdy.SUBPROTOCOL else Channels()
        self._on_end = on_end
        self._clock = asyncio.get_running_loop().time
        self._holders: set[Rider] = set()
        self._leaving = self._blocked = self._orderly = False
        self._asked = 0.0
        self.heard = self.idle_since = self._clock()
        self._early: list[Event] = []
        self._served: set[Rider] = set()
        self.riders: dict[int, Rider] = {}
        self.open = True
        self.lost = 0
        socket.serve(self)

    @property
    def shared(self) -> bool:
        """Whether it can carry more than one connection."""
        return self._framing.half_closes

    @property
    def half_closes(self) -> bool:
        """Whether the pod can be told that our side is shut."""
        return self._framing.half_closes

    @property
    def usable(self) -> bool:
        """Whether a new connection may take it: nothing holds it up, and it has answered lately."""
        held = self._holders or self._blocked or self._leaving or self._framing.full
        return self.open and not held and not self.doubtful

    @property
    def doubtful(self) -> bool:
        """Whether it owes an answer for too long."""
        return bool(self._asked) and self._clock() - self._asked > _ANSWER_SECONDS

    def silent(self, seconds: float) -> bool:
        """Whether it has owed an answer for that long, although nothing of ours holds up what comes or goes."""
        return bool(self._asked) and not (self._holders or self._blocked) and self._clock() - self._asked > seconds

    def board(self, rider: Rider, port: int) -> int:
        """A new connection to a port of the pod; `rider.opened` tells when bytes can be sent."""
        number, message = self._framing.open(port)
        self.riders[number] = rider
        self._send(message)
        if self._blocked:
            rider.pause()
        if not self.shared:  # the pod's side has known it since the handshake
            asyncio.get_running_loop().call_soon(self._catch_up, rider)
        return number

    def send(self, number: int, data: bytes) -> None:
        """Bytes for the pod."""
        if len(data) <= _PART_BYTES:
            self._send(self._framing.data(number, data))
            return
        view = memoryview(data)
        for at in range(0, len(view), _PART_BYTES):
            self._send(self._framing.data(number, view[at : at + _PART_BYTES]))

    def end(self, number: int) -> None:
        """The rider's own side is shut."""
        self._send(self._framing.end(number))

    def leave(self, number: int, *, reset: bool) -> None:
        """The rider is no more; `reset`: the pod's side does not know that yet."""
        rider = self.riders.pop(number, None)
        if rider is None:
            return
        self.release(rider)
        self.idle_since = self._clock()
        if not self.shared:
            self.close()
        elif reset:
            self._send(self._framing.reset(number))

    def hold(self, rider: Rider) -> None:
        """The rider can't take more: nothing is read until it can."""
        self._holders.add(rider)
        if self.open:
            self._socket.transport.pause_reading()

    def release(self, rider: Rider) -> None:
        """The rider can take more."""
        if rider in self._holders:
            self._holders.remove(rider)
            if not self._holders and self.open:
                self._socket.transport.resume_reading()

    def ask(self) -> None:
        """Asks the other side for a sign of life, if it owes none."""
        if self.open and not self._asked and not self._holders:
            self._asked = self._clock()
            self._send(self._framing.ping()) if self.shared else self._socket.ping()

    def close(self) -> None:
        """Ends it and all that it carries, without waiting for anybody."""
        if self.open:
            self._socket.close()
            self.gone()

    def came(self, message: Message) -> None:
        """The websocket's: a message."""
        try:
            for event in self._framing.feed(message):
                self._happened(event)
        except spdy.ProtocolError:
            self._socket.transport.abort()

    def flush(self) -> None:
        """The websocket's: that was all for now."""
        served, self._served = self._served, set()
        for rider in served:
            rider.flush()

    def alive(self) -> None:
        """The websocket's: a sign of life."""
        self._asked = 0.0
        self.heard = self._clock()

    def gone(self, *, orderly: bool = False) -> None:
        """The websocket's: it is closed; `orderly`: the other side said so."""
        if not self.open:
            return
        self.open = False
        self._orderly = orderly
        self._holders.clear()
        riders, self.riders = list(self.riders.values()), {}
        self.lost = len(riders)
        for rider in riders:
            self._leave_behind(rider)
        self._on_end(self)

    def _leave_behind(self, rider: Rider) -> None:
        """Without SPDY, the websocket's end is how a pod ends a connection."""
        rider.over("") if self._orderly and not self.shared else rider.lost()

    def block(self, blocked: bool) -> None:
        """The websocket's: it takes no more for now, or does again."""
        self._blocked = blocked
        for rider in list(self.riders.values()):
            rider.pause() if blocked else rider.resume()

    def _catch_up(self, rider: Rider) -> None:
        rider.opened()
        early, self._early = self._early, []
        for event in early:
            self._happened(event)
        self.flush()
        if not self.open:  # it has come and gone before the rider was there
            self._leave_behind(rider)

    def _happened(self, event: Event) -> None:
        if isinstance(event, Leaving):
            self._leaving = True
            return
        rider = self.riders.get(event.connection)
        if rider is None:  # it left a moment ago, or, where the websocket is the connection, it comes in a moment
            self._early += [] if self.shared else [event]
            return
        match event:
            case Part():
                self._served.add(rider)
                rider.part(event.data)
            case Opened():
                rider.opened()
            case Ended():
                rider.ended()
            case Over():
                rider.over(event.error)

    def _send(self, message: bytes) -> None:
        if self.open and message:
            self._socket.send(message)


async def dial(
    connection: Connection, endpoint: Endpoint, on_end: Callable[[Tunnel], None] = lambda tunnel: None
) -> Tunnel:
    """Opens a tunnel. Raises ClusterError: NotFoundError for a pod that is gone, ForbiddenError …"""
    path = _POD.path(endpoint.namespace, endpoint.pod, "portforward")
    request = Request("GET", path, {"ports": endpoint.port})
    asked = Asked("forward a port to", request.what.replace("/portforward", ""), connection.context, connection.server)
    try:
        try:
            return Tunnel(await open_websocket(connection, request, _PROTOCOLS), on_end)
        except DeclinedError as declined:
            if declined.status != 401 or not await aside(connection.refresh):
                raise
            return Tunnel(await open_websocket(connection, request, _PROTOCOLS), on_end)
    except DeclinedError as declined:
        raise from_status(declined.status, declined.words, asked) from declined
    except OSError as error:
        raise from_transport(error, asked) from error
