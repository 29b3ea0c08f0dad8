"""One forwarded connection: a websocket to the API server on one side, a local TCP connection on the other.

The protocol is v4.channel.k8s.io (kubectl's before SPDY tunnels; kubelets still serve it): binary messages, whose first
byte is a channel: 0 for data, 1 for the error. The first message of either is the port number. There is no half-close:
what a client sends after it shut its own side cannot be told from a client that is gone, so silence decides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from mlstack.cluster.connection import Connection
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.parallel import aside
from mlstack.cluster.request import Request
from mlstack.cluster.targets import Endpoint
from mlstack.cluster.translate import Asked, from_status, from_transport
from mlstack.cluster.transport import USER_AGENT

_POD = well_known("v1", "Pod")
_PROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_PART_BYTES = 1 << 16
_MESSAGE_BYTES = 1 << 24
# Messages that may wait for a slow reader: with kubelets' messages of 32 KiB, half a MiB per connection.
_WAITING_MESSAGES = 16
_OPEN_SECONDS = 15.0
_PING_SECONDS = 30.0
# After the local side shut its sending: how long an answer may take to begin, and how long it may pause.
_ANSWER_SECONDS = 30.0
_PAUSE_SECONDS = 1.0


class RefusedError(ClusterError):
    """The pod's side ended the connection with an error: nothing listens on that port, mostly."""


async def dial(connection: Connection, endpoint: Endpoint) -> ClientConnection:
    """Opens the websocket. Raises ClusterError: NotFoundError for a pod that is gone, ForbiddenError …"""
    path = _POD.path(endpoint.namespace, endpoint.pod, "portforward")
    request = Request("GET", path, {"ports": endpoint.port})
    asked = Asked("forward a port to", request.what.replace("/portforward", ""), connection.context, connection.server)
    try:
        return await _open(connection, request)
    except InvalidStatus as refused:
        if refused.response.status_code != 401 or not await aside(connection.refresh):
            raise from_status(refused.response.status_code, bytes(refused.response.body or b""), asked) from refused
    except (OSError, WebSocketException) as error:
        raise from_transport(error, asked) from error
    try:
        return await _open(connection, request)
    except (OSError, WebSocketException) as error:
        raise from_transport(error, asked) from error


async def _open(connection: Connection, request: Request) -> ClientConnection:
    headers = await aside(connection.headers)  # a credential plugin may have to run
    secure: dict[str, Any] = {"ssl": connection.tls} if connection.tls else {}
    if connection.tls and connection.server_name:
        secure["server_hostname"] = connection.server_name
    scheme = "wss" if connection.tls else "ws"
    return await connect(
        f"{scheme}://{connection.url.netloc}{connection.prefix}{request.target}",
        subprotocols=[_PROTOCOL],  # type: ignore[list-item]  # a NewType of str
        additional_headers=headers,
        user_agent_header=USER_AGENT,
        compression=None,
        proxy=connection.proxy or None,
        open_timeout=_OPEN_SECONDS,
        ping_interval=_PING_SECONDS,
        ping_timeout=None,  # a pod that does not read holds back the answer to a ping, too
        close_timeout=1,
        max_size=_MESSAGE_BYTES,
        max_queue=_WAITING_MESSAGES,
        **secure,
    )


class Tunnel:
    """Carries bytes both ways until one side ends. `on_answer` is called at the pod's first bytes."""

    def __init__(
        self,
        socket: ClientConnection,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        on_answer: Callable[[], None] = lambda: None,
    ) -> None:
        self._socket = socket
        self._on_answer = on_answer
        self._reader = reader
        self._writer = writer
        self._shut = asyncio.Event()
        self._awaited = False
        self._last = 0.0

    async def run(self) -> None:
        """Raises RefusedError if the pod's side said why it ended."""
        up = asyncio.create_task(self._up())
        watch = asyncio.create_task(self._end_in_silence())
        try:
            await self._down()
        finally:
            for task in (up, watch):
                task.cancel()
            await asyncio.gather(up, watch, return_exceptions=True)
            await self._socket.close()

    async def _up(self) -> None:
        """From the local side to the pod."""
        with suppress(ConnectionClosed, OSError):
            while part := await self._reader.read(_PART_BYTES):
                self._awaited = True
                await self._socket.send(b"\0" + part)
        self._shut.set()

    async def _down(self) -> None:
        """From the pod to the local side, until the websocket or the local side ends."""
        greeted: set[int] = set()
        with suppress(ConnectionClosed, OSError):
            while True:
                message = await self._socket.recv(decode=False)
                channel = message[0] if message else _DATA
                if channel not in greeted:
                    greeted.add(channel)
                elif channel == _ERROR:
                    raise RefusedError(message[1:].decode("utf-8", "replace").strip())
                else:
                    await self._hand_over(message)

    async def _hand_over(self, message: bytes) -> None:
        if not self._last:
            self._on_answer()
        self._awaited = False
        self._last = asyncio.get_running_loop().time()
        self._writer.write(memoryview(message)[1:])
        await self._writer.drain()

    async def _end_in_silence(self) -> None:
        """After the local side shut its sending: waits for the rest of the answer, then closes."""
        await self._shut.wait()
        loop = asyncio.get_running_loop()
        shut_at = loop.time()
        while (wait := max(self._last, shut_at) + self._patience() - loop.time()) > 0:
            await asyncio.sleep(min(wait, _PAUSE_SECONDS))
        await self._socket.close()

    def _patience(self) -> float:
        return _ANSWER_SECONDS if self._awaited else _PAUSE_SECONDS
