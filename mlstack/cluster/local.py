"""A connection that a program on this machine made to a forwarded port, riding in a tunnel."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress

from mlstack.cluster.tunnel import Tunnel

# What may wait in memory for a program that reads slowly, before its tunnel is held.
_BUFFER_BYTES = 1 << 18
# What the program said first is kept until an answer comes: if the pod has gone, another one hears it.
_KEPT_BYTES = 1 << 16
# The kubelet takes a connection within a round trip: after this long its side of the tunnel is stuck.
_OPEN_SECONDS = 10.0
_LINGER_SECONDS = 5.0
# Lingering for no time at all is how TCP is told to reset.
_RESET = struct.pack("ii", 1, 0)
# Where the pod can't be told that our side is shut: how long an answer may take to begin, and how long it may pause.
_ANSWER_SECONDS = 30.0
_PAUSE_SECONDS = 1.0


class LostError(Exception):
    """The tunnel broke under a connection whose bytes may have reached the pod."""


class StuckError(Exception):
    """The tunnel did not take the connection: nothing has been sent, another one may."""


class LeftError(Exception):
    """The program on this machine has closed its connection."""


class Local(asyncio.Protocol):
    """The connection: an asyncio protocol on one side, a `Rider` on the other. `accept` is called when it is there."""

    def __init__(self, accept: Callable[[Local], None], on_answer: Callable[[], None] = lambda: None) -> None:
        self._accept = accept
        self._on_answer = on_answer
        self._loop = asyncio.get_running_loop()
        self._outcome: asyncio.Future[str] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        self._tunnel: Tunnel | None = None
        self._number = 0
        self._opened = self._blocked = self._shut = self._closed = False
        self._awaited = False
        self._last = 0.0
        self._kept: bytearray | None = bytearray()
        self._parts: list[memoryview] = []

    # What asyncio tells.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A program connected. All but its first words is read once a tunnel takes what it says."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=_BUFFER_BYTES)
        self._loop.call_soon(self._begin)  # asyncio itself starts to read before that

    def data_received(self, data: bytes) -> None:
        """The program said something."""
        if self._closed:
            return
        if self._kept is not None:
            self._kept += data
        if self._opened and self._tunnel:
            self._say(data)
        else:
            self._read()

    def eof_received(self) -> bool:
        """The program says nothing more; it may still listen."""
        self._shut = True
        if self._opened and not self._closed:
            self._end()
        return not self._closed

    def connection_lost(self, error: Exception | None) -> None:
        """The program's end of it."""
        self._stop_timer()
        self._closed = True
        self._settle(LeftError())

    def pause_writing(self) -> None:
        """The program reads more slowly than the pod sends."""
        if self._tunnel:
            self._tunnel.hold(self)

    def resume_writing(self) -> None:
        """It has caught up."""
        if self._tunnel:
            self._tunnel.release(self)

    # What the tunnel tells.

    def opened(self) -> None:
        """The pod's side is there: what the program has said goes to it."""
        if self._opened or self._closed:
            return
        self._stop_timer()
        self._opened = True
        if self._kept:
            self._say(bytes(self._kept))
        if self._shut:
            self._end()
        self._read()

    def part(self, data: memoryview) -> None:
        """Bytes from the pod."""
        if not self.answered:
            self._kept = None
            self._on_answer()
        self._awaited = False
        self._last = self._loop.time()
        self._parts.append(data)

    def flush(self) -> None:
        """That was all for now: one write, for a pod's parts are small."""
        if self._parts and not self._transport.is_closing():
            self._transport.write(self._parts[0] if len(self._parts) == 1 else b"".join(self._parts))
        self._parts.clear()

    def ended(self) -> None:
        """The pod says nothing more. If it never said anything, its error may be about to come."""
        self.flush()
        if self.answered and self._transport.can_write_eof():
            with suppress(OSError, RuntimeError):
                self._transport.write_eof()

    def over(self, error: str) -> None:
        """It is over."""
        self.flush()
        self._settle(error)

    def lost(self) -> None:
        """The tunnel broke."""
        self.flush()
        self._settle(LostError() if self._opened else StuckError())

    def pause(self) -> None:
        """The tunnel takes no more for now."""
        self._blocked = True
        self._read()

    def resume(self) -> None:
        """It does again."""
        self._blocked = False
        self._read()

    # What a route asks for.

    @property
    def answered(self) -> bool:
        """Whether the pod has said something."""
        return bool(self._last)

    @property
    def untold(self) -> bool:
        """Whether all that the program said can be said again to another pod."""
        return self._kept is not None and not self.answered

    @property
    def left(self) -> bool:
        """Whether the program has closed it."""
        return self._closed

    async def ride(self, tunnel: Tunnel, port: int) -> str:
        """Carries the connection until it is over: the pod's error, or "". Raises LostError, StuckError, LeftError."""
        if self._closed:
            raise LeftError
        if tunnel.shared and not tunnel.open:
            raise StuckError
        self._outcome = self._loop.create_future()
        self._opened = self._blocked = False
        self._tunnel = tunnel
        self._timer = self._loop.call_later(_OPEN_SECONDS, self._settle, StuckError())
        self._number = tunnel.board(self, port)
        over = False
        try:
            error = await self._outcome
            over = True
            return error
        finally:
            self._stop_timer()
            self._tunnel = None
            self._opened = False
            self._read()
            tunnel.leave(self._number, reset=not over or not self._shut)

    def close(self) -> None:
        """Ends it in good order: what is still to be written is written."""
        if not self._closed:
            self._closed = True
            if self._shut or self._transport.is_closing():
                self._transport.close()
                return
            with suppress(OSError, RuntimeError):
                self._transport.write_eof()
            self._transport.resume_reading()  # to its end: closing with bytes unread would destroy the answer
            self._loop.call_later(_LINGER_SECONDS, self._linger)

    def break_off(self) -> None:
        """Ends it so that the program sees a broken connection, and not what looks like the end of an answer."""
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.abort()

    def abort(self) -> None:
        """Ends it at once."""
        self._closed = True
        self._transport.abort()

    def _begin(self) -> None:
        self._read()
        self._accept(self)

    def _read(self) -> None:
        if self._transport.is_closing() or self._closed:
            return
        # Until a tunnel takes it, a little is read all the same: it tells whether the program is still there.
        room = self._kept is not None and len(self._kept) < _KEPT_BYTES
        if not self._blocked if self._opened else room:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _say(self, data: bytes) -> None:
        self._awaited = True
        if self._kept is not None and len(self._kept) > _KEPT_BYTES:
            self._kept = None
        if self._tunnel:
            self._tunnel.send(self._number, data)

    def _end(self) -> None:
        if self._tunnel and self._tunnel.half_closes:
            self._tunnel.end(self._number)
        else:
            self._last_word = self._loop.time()
            self._end_in_silence()

    def _end_in_silence(self) -> None:
        """Waits for the rest of the answer to a program that says no more, then ends it."""
        patience = _ANSWER_SECONDS if self._awaited else _PAUSE_SECONDS
        wait = max(self._last, self._last_word) + patience - self._loop.time()
        if wait > 0:
            self._timer = self._loop.call_later(min(wait, _PAUSE_SECONDS), self._end_in_silence)
        else:
            self._settle("")

    def _linger(self) -> None:
        """Closes it for good once the program has been given all."""
        if self._transport.get_write_buffer_size():
            self._loop.call_later(_LINGER_SECONDS, self._linger)
        else:
            self._transport.abort()

    def _settle(self, outcome: str | Exception) -> None:
        if self._outcome.done():
            return
        if isinstance(outcome, str):
            self._outcome.set_result(outcome)
        else:
            self._outcome.set_exception(outcome)
            self._outcome.exception()  # nobody may be waiting yet

    def _stop_timer(self) -> None:
        if self._timer:
            self._timer.cancel()
            self._timer = None
