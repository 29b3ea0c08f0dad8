"""A websocket to the API server, over picows: frames are read in C, and handed on within the turn in which they come.

picows (and not websockets) because a kubelet's bytes come in small messages: reading their frames in Python took more
time than all else of a download.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import Any, Protocol

from picows import (
    WSCloseCode,
    WSError,
    WSFrame,
    WSHandshakeError,
    WSListener,
    WSMsgType,
    WSTransport,
    WSUpgradeRequest,
    WSUpgradeResponse,
    ws_connect,
)
from python_socks import ProxyError

from mlstack.cluster.connection import Connection
from mlstack.cluster.dial import with_scheme
from mlstack.cluster.parallel import aside
from mlstack.cluster.request import Request
from mlstack.cluster.transport import USER_AGENT, Transport
from mlstack.cluster.wire import NoAnswerError

_MESSAGE_BYTES = 1 << 24
_READ_BYTES = 1 << 18
# What may wait for a slow server before it is told that this is too much.
_WRITE_BYTES = 1 << 18
_OPEN_SECONDS = 15.0
_STATUS = re.compile(rb"HTTP/1\.\d (\d{3})\b")
_LENGTH = re.compile(rb"^content-length:\s*(\d+)\s*$", re.MULTILINE | re.IGNORECASE)
_DATA = (WSMsgType.BINARY, WSMsgType.CONTINUATION, WSMsgType.TEXT)
_SILENT = logging.getLogger("mlstack.websocket")  # picows' own words to a log would reach the user's terminal
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False


class DeclinedError(Exception):
    """The server answered with another status than 101; `words` is its body, as far as it could be had."""

    def __init__(self, status: int, words: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.words = words


class Hearer(Protocol):
    """Who is told what happens to a websocket."""

    def came(self, message: bytes) -> None:
        """A message. More may follow at once, and then `alive` and `flush`."""

    def alive(self) -> None:
        """A sign of life."""

    def flush(self) -> None:
        """That was all for now."""

    def block(self, blocked: bool) -> None:
        """It takes no more for now, or does again."""

    def gone(self, *, orderly: bool = False) -> None:
        """It is closed; `orderly`: the other side said so."""


class Websocket(WSListener):
    """An open one. What happens before `serve` is kept for it."""

    transport: asyncio.Transport
    _websocket: WSTransport
    _end: asyncio.Task[None]

    def __init__(self, subprotocol: str | None) -> None:
        self.subprotocol = subprotocol
        self._hearer: Hearer | None = None
        self._early: list[bytes] = []
        self._pieces: list[bytes] = []

    def serve(self, hearer: Hearer) -> None:
        """From now on `hearer` is told of everything."""
        self._hearer = hearer
        early, self._early = self._early, []
        for message in early:
            hearer.came(message)
        if self._websocket.is_disconnected:
            hearer.gone()

    def send(self, message: bytes) -> None:
        """Sends a message; it waits in memory until the network takes it."""
        self._websocket.send(WSMsgType.BINARY, message)

    def ping(self) -> None:
        """Sends a ping."""
        self._websocket.send_ping()

    def close(self) -> None:
        """Sends that it ends, and ends."""
        self._websocket.send_close(WSCloseCode.OK)
        self.transport.abort()

    # What picows tells.

    def on_ws_connected(self, transport: WSTransport) -> None:
        """The handshake is done."""
        self._websocket, self.transport = transport, transport.underlying_transport
        self.transport.set_write_buffer_limits(high=_WRITE_BYTES)
        self._end = asyncio.get_running_loop().create_task(transport.wait_disconnected())
        self._end.add_done_callback(_report)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        """A frame; the last one that came in this turn says so."""
        kind = frame.msg_type
        if kind in _DATA:
            self._piece(frame.get_payload_as_bytes(), whole=frame.fin)  # picows reuses its memory
        elif kind is WSMsgType.PING:
            transport.send_pong(frame.get_payload_as_bytes())
        elif kind is WSMsgType.CLOSE:
            transport.send_close(WSCloseCode.OK)
            transport.disconnect()
        if self._hearer and frame.last_in_buffer:
            self._hearer.alive()
            self._hearer.flush()

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        """The network's end of it."""
        if self._hearer:
            said = transport.close_handshake
            self._hearer.gone(orderly=bool(said and said.recv))

    def pause_writing(self) -> None:
        """Too much waits to be sent."""
        if self._hearer:
            self._hearer.block(True)

    def resume_writing(self) -> None:
        """It was sent."""
        if self._hearer:
            self._hearer.block(False)

    def _piece(self, data: bytes, *, whole: bool) -> None:
        """A message, or a fragment of one; `whole`: nothing of it is missing."""
        if self._pieces or not whole:
            self._pieces.append(data)
            if sum(map(len, self._pieces)) > _MESSAGE_BYTES:
                self.transport.abort()
                return
            if not whole:
                return
            data = b"".join(self._pieces)
            self._pieces.clear()
        if self._hearer:
            self._hearer.came(data)
        else:
            self._early.append(data)


async def open_websocket(connection: Connection, request: Request, subprotocols: str) -> Websocket:
    """Opens one. Raises DeclinedError for an answer that is none, and OSError where there is no answer."""
    headers = await aside(connection.headers)  # a credential plugin may have to run
    try:
        # "SPDY/3.1+…" is no token, which a subprotocol should be, but what Kubernetes says.
        return await _connected(connection, request, [("Sec-WebSocket-Protocol", subprotocols), *headers])
    except WSHandshakeError as error:
        found = _STATUS.match(error.raw_header or b"")
        if not found or found[1] == b"101":
            raise ConnectionError(str(error)) from error
        status = int(found[1])
        raise DeclinedError(status, await _words(error, connection, request, status)) from error
    except (WSError, ProxyError) as error:
        raise ConnectionError(str(error)) from error


async def _connected(connection: Connection, request: Request, headers: list[tuple[str, str]]) -> Websocket:
    secure: dict[str, Any] = {"ssl_context": connection.tls} if connection.tls else {}
    if connection.tls and connection.server_name:
        secure["server_hostname"] = connection.server_name
    host = connection.url.netloc.rpartition("@")[2]
    made: list[Websocket] = []
    given_up = False

    def make(asked: WSUpgradeRequest, answer: WSUpgradeResponse) -> Websocket:
        if given_up:
            raise ConnectionAbortedError("nobody waits for it any more")
        made.append(Websocket(answer.headers.get("Sec-WebSocket-Protocol")))
        return made[0]

    try:
        async with asyncio.timeout(_OPEN_SECONDS):
            await ws_connect(
                make,
                f"{'wss' if connection.tls else 'ws'}://{host}{connection.prefix}{request.target}",
                extra_headers=[("User-Agent", USER_AGENT), *headers],
                proxy=with_scheme(connection.proxy) if connection.proxy else None,
                websocket_handshake_timeout=_OPEN_SECONDS,
                max_frame_size=_MESSAGE_BYTES,
                read_buffer_init_size=_READ_BYTES,
                enable_auto_pong=False,  # it would keep the turn's last frame from us
                max_redirects=0,  # they would take our credentials to whoever is named
                use_aiofastnet=False,
                logger_name=_SILENT,
                **secure,
            )
    except BaseException:  # given up in the middle of the handshake, it would stay open
        given_up = True
        for socket in made:
            socket.close()
        raise
    if not made:  # picows has nothing to say of it
        raise ConnectionResetError("the connection ended before the server answered")
    return made[0]


def _report(end: asyncio.Task[None]) -> None:
    """picows keeps what is raised by those whom it tells; an error of ours shall be seen."""
    error = None if end.cancelled() else end.exception()
    if error and not isinstance(error, WSError | OSError):
        end.get_loop().call_exception_handler({"message": "a websocket's hearer failed", "exception": error})


async def _words(declined: WSHandshakeError, connection: Connection, request: Request, status: int) -> bytes:
    """What the server said. picows reads only what comes with the head: where that is not all, it is asked anew."""
    said, length = declined.raw_body or b"", _LENGTH.search((declined.raw_header or b"").replace(b"\r", b""))
    if length and len(said) >= int(length[1]):
        return said
    return await aside(lambda: _asked_plainly(connection, request, status)) or said


def _asked_plainly(connection: Connection, request: Request, status: int) -> bytes:
    """The words of the same refusal, or none."""
    transport = Transport(connection, 1)
    try:
        answer = transport.send(request)
    except NoAnswerError:
        return b""
    finally:
        transport.close()
    return answer.data if answer.status == status else b""
