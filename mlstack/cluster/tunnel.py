"""A websocket to the API server that carries connections to one pod: many with SPDY in it, one without.

Whoever is carried is a `Rider`; the tunnel tells it what happens. Nothing here waits: what comes is handed on within
the same turn of the event loop, which is what makes it as fast as it is. A rider that cannot take more holds the whole
tunnel (SPDY as spoken here has no windows); `Pool` sees that few ride together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.frames import DATA_OPCODES, Frame
from websockets.http11 import Response

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
from mlstack.cluster.transport import USER_AGENT

_POD = well_known("v1", "Pod")
_PROTOCOLS = (spdy.SUBPROTOCOL, channels.SUBPROTOCOL)
# How much of what was read locally goes into one message; the kubelet reads a message whole.
_PART_BYTES = 1 << 16
_MESSAGE_BYTES = 1 << 24
# What may wait for a slow server, per tunnel, before its riders are asked to pause.
_WRITE_BYTES = 1 << 18
_OPEN_SECONDS = 15.0
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

    def __init__(self, socket: _Socket, on_end: Callable[[Tunnel], None] = lambda tunnel: None) -> None:
        self._socket = socket
        self._framing: Spdy | Channels = Spdy() if socket.subprotocol == spdy.SUBPROTOCOL else Channels()
        self._on_end = on_end
        self._clock = asyncio.get_running_loop().time
        self._holders: set[Rider] = set()
        self._leaving = self._blocked = False
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
            self._send(self._framing.ping()) if self.shared else self._socket.ping_now()

    def close(self) -> None:
        """Ends it and all that it carries, without waiting for anybody."""
        if self.open:
            self._socket.say_goodbye()
            self.gone()

    def came(self, message: Message) -> None:
        """The socket's: a message."""
        for event in self._framing.feed(message):
            self._happened(event)

    def flush(self) -> None:
        """The socket's: that was all for now."""
        served, self._served = self._served, set()
        for rider in served:
            rider.flush()

    def alive(self) -> None:
        """The socket's: a sign of life."""
        self._asked = 0.0
        self.heard = self._clock()

    def gone(self, *, orderly: bool = False) -> None:
        """The socket's: it is closed; `orderly`: the other side said so."""
        if not self.open:
            return
        self.open = False
        self._holders.clear()
        riders, self.riders = list(self.riders.values()), {}
        self.lost = len(riders)
        for rider in riders:  # without SPDY, the websocket's end is how a pod ends a connection
            rider.over("") if orderly and not self.shared else rider.lost()
        self._on_end(self)

    def block(self, blocked: bool) -> None:
        """The socket's: it takes no more for now, or does again."""
        self._blocked = blocked
        for rider in list(self.riders.values()):
            rider.pause() if blocked else rider.resume()

    def _catch_up(self, rider: Rider) -> None:
        rider.opened()
        early, self._early = self._early, []
        for event in early:
            self._happened(event)
        self.flush()

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
            self._socket.send_now(message)


class _Socket(ClientConnection):
    """A websocket that hands messages on at once, instead of keeping them for a coroutine that asks."""

    def __init__(self, protocol: ClientProtocol, **settings: Any) -> None:
        super().__init__(protocol, **settings)
        # "SPDY/3.1+…" is no token, which a subprotocol should be; websockets insists on that.
        protocol.available_subprotocols = _PROTOCOLS  # type: ignore[assignment]  # a NewType of str
        protocol.process_subprotocol = _subprotocol  # type: ignore[method-assign]
        self._tunnel: Tunnel | None = None
        self._early: list[Message] = []

    def serve(self, tunnel: Tunnel) -> None:
        """From now on `tunnel` hears of everything."""
        self._tunnel = tunnel
        early, self._early = self._early, []
        for message in early:
            tunnel.came(message)

    def send_now(self, message: bytes) -> None:
        """Sends a message; it waits in memory until the network takes it."""
        if self.state.name == "OPEN":
            self.protocol.send_binary(message)
            self.send_data()

    def ping_now(self) -> None:
        """Sends a ping."""
        if self.state.name == "OPEN":
            self.protocol.send_ping(b"")
            self.send_data()

    def say_goodbye(self) -> None:
        """Sends that it ends, and ends."""
        if self.state.name == "OPEN":
            self.protocol.send_close(1000)
            self.send_data()
        self.transport.abort()

    def process_event(self, event: Frame | Response) -> None:  # type: ignore[override]  # its own Event is wider
        """An answer to the handshake, or a frame."""
        if self.response is None or not isinstance(event, Frame):
            super().process_event(event)
        elif self._tunnel is None:
            self._early += [event.data] if event.opcode in DATA_OPCODES else []
        elif event.opcode in DATA_OPCODES:
            try:
                self._tunnel.came(event.data)
            except spdy.ProtocolError:
                self.transport.abort()

    def data_received(self, data: bytes) -> None:
        """Messages, or some of one."""
        super().data_received(data)
        if self._tunnel:
            self._tunnel.alive()
            self._tunnel.flush()

    def connection_lost(self, exc: Exception | None) -> None:
        """The network's end of it."""
        super().connection_lost(exc)
        if self._tunnel:
            self._tunnel.gone(orderly=self.protocol.close_rcvd is not None)

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        super().pause_writing()
        if self._tunnel:
            self._tunnel.block(True)

    def resume_writing(self) -> None:
        """It was sent."""
        super().resume_writing()
        if self._tunnel:
            self._tunnel.block(False)


async def dial(
    connection: Connection, endpoint: Endpoint, on_end: Callable[[Tunnel], None] = lambda tunnel: None
) -> Tunnel:
    """Opens a tunnel. Raises ClusterError: NotFoundError for a pod that is gone, ForbiddenError …"""
    path = _POD.path(endpoint.namespace, endpoint.pod, "portforward")
    request = Request("GET", path, {"ports": endpoint.port})
    asked = Asked("forward a port to", request.what.replace("/portforward", ""), connection.context, connection.server)
    try:
        return Tunnel(await _open(connection, request), on_end)
    except InvalidStatus as refused:
        if refused.response.status_code != 401 or not await aside(connection.refresh):
            raise from_status(refused.response.status_code, bytes(refused.response.body or b""), asked) from refused
    except (OSError, WebSocketException) as error:
        raise from_transport(error, asked) from error
    try:
        return Tunnel(await _open(connection, request), on_end)
    except InvalidStatus as refused:
        raise from_status(refused.response.status_code, bytes(refused.response.body or b""), asked) from refused
    except (OSError, WebSocketException) as error:
        raise from_transport(error, asked) from error


async def _open(connection: Connection, request: Request) -> _Socket:
    headers = await aside(connection.headers)  # a credential plugin may have to run
    secure: dict[str, Any] = {"ssl": connection.tls} if connection.tls else {}
    if connection.tls and connection.server_name:
        secure["server_hostname"] = connection.server_name
    scheme = "wss" if connection.tls else "ws"
    opened = await connect(
        f"{scheme}://{connection.url.netloc}{connection.prefix}{request.target}",
        additional_headers=headers,
        user_agent_header=USER_AGENT,
        compression=None,
        proxy=connection.proxy or None,
        open_timeout=_OPEN_SECONDS,
        ping_interval=None,  # tunnels ask for signs of life themselves
        close_timeout=1,
        max_size=_MESSAGE_BYTES,
        write_limit=_WRITE_BYTES,
        create_connection=_Socket,
        **secure,
    )
    assert isinstance(opened, _Socket)
    return opened


def _subprotocol(headers: Any) -> Any:
    return headers.get("Sec-WebSocket-Protocol") or channels.SUBPROTOCOL
