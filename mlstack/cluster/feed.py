"""An answer that comes in by and by and is read without ever waiting: hundreds of them beside one another, on one
thread with a selector."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress

from httptools import HttpParserError, HttpResponseParser

from mlstack.cluster.wire import NoAnswerError, Stream, Wire

_PART_BYTES = 1 << 16
_TURN_BYTES = 1 << 18  # what one of them may bring until the others have their turn
# A peer that is gone without a word (a laptop's sleep, a cut network) is noticed after a minute and a half.
_KEEPALIVE = (("TCP_KEEPIDLE", 30), ("TCP_KEEPALIVE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


class Feed:
    """One answer. `status` is 0 until its head is there; `complete`: all of it was taken."""

    def __init__(self, wire: Wire) -> None:
        self.status = 0
        self.complete = False
        self._wire = wire
        self._parts: list[bytes] = []
        self._bounded = False
        self._parser = HttpResponseParser(self)
        _keep_alive(wire.tcp)
        self._stream = wire.stream if isinstance(wire.stream, socket.socket) else _bridged(wire.stream)
        self._stream.settimeout(0)

    def fileno(self) -> int:
        """What a selector waits for."""
        return self._stream.fileno()

    def take(self) -> bytes:
        """What has come of the body since the last call; b"" for nothing. Raises NoAnswerError where it breaks off."""
        size = 0
        try:
            while not self.complete and (size < _TURN_BYTES or self._pending()):
                part = self._stream.recv(_PART_BYTES)
                size += len(part)
                self._feed(part)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, ValueError) as error:
            if not self._parts:
                raise NoAnswerError(str(error)) from error
        parts, self._parts = self._parts, []
        return b"".join(parts)

    def close(self) -> None:
        """Ends the connection."""
        with suppress(OSError):
            self._stream.close()
        self._wire.close()

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser's: a header. Without one of these the body ends with the connection."""
        self._bounded |= name.lower() in (b"content-length", b"transfer-encoding")

    def on_headers_complete(self) -> None:
        """The parser's: the head is there."""
        self.status = self._parser.get_status_code()

    def on_body(self, part: bytes) -> None:
        """The parser's: some of the body, without what marks its chunks."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The parser's: the body is there, too."""
        self.complete = self.status >= 200

    def _pending(self) -> int:
        """What TLS has decrypted already, of which no selector tells."""
        return self._stream.pending() if isinstance(self._stream, ssl.SSLSocket) else 0

    def _feed(self, part: bytes) -> None:
        if part:
            try:
                self._parser.feed_data(part)
            except HttpParserError as error:
                raise ValueError("what answers there does not speak HTTP") from error
        elif self.status and not self._bounded:
            self.complete = True
        else:
            raise ValueError("the connection was closed before the answer was complete")


def _keep_alive(tcp: socket.socket) -> None:
    with suppress(OSError):
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):  # the systems differ in what they have
                tcp.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _bridged(stream: Stream) -> socket.socket:
    """A socket that brings what `stream` does: no selector knows TLS inside TLS (a proxy reached by https)."""
    near, far = socket.socketpair()
    stream.settimeout(None)

    def carry() -> None:
        with suppress(OSError, ValueError), far:
            while part := stream.recv(_PART_BYTES):
                far.sendall(part)

    threading.Thread(target=carry, daemon=True, name="feed").start()
    return near
