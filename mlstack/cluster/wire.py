"""HTTP/1.1 on one connection: a request out, an answer in. httptools (llhttp) reads what comes.

urllib3 and http.client do the same for 60 to 100 ms of imports and twice the CPU time per request.
"""

from __future__ import annotations

import select
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

from httptools import HttpParserError, HttpResponseParser

_PART_BYTES = 1 << 16
_HEAD_BYTES = 1 << 18  # no server sends more headers than that
_NO_HTTP = "what answers there does not speak HTTP"
_GZIP = 31  # zlib's number for "with gzip's header"
# A connection that was used so short a time ago need not be looked at before it is used again.
_FRESH_SECONDS = 1.0
_SEND_SECONDS = 30.0


class NoAnswerError(Exception):
    """No answer, or not a whole one. Its cause, if it has one, is the operating system's error."""


class NeverSentError(NoAnswerError):
    """No connection could be made: nothing was sent."""


class AnswerTimeoutError(NoAnswerError):
    """The server was silent for longer than the request's time-out."""


class Stream(Protocol):
    """What is used of a connected socket, with TLS or without."""

    def sendall(self, data: bytes, /) -> None:
        """Sends all of it."""

    def recv(self, size: int, /) -> bytes:
        """What is there, once there is something; b"" at the end."""

    def settimeout(self, seconds: float | None, /) -> None:
        """How long either may take."""

    def close(self) -> None:
        """Ends it."""


class Wire:
    """One connection. Not for two threads at once, but for `shutdown`. `tcp` is the socket below `stream`'s TLS."""

    def __init__(self, stream: Stream, tcp: socket.socket) -> None:
        self.stream = stream
        self.tcp = tcp
        self._used_at = time.monotonic()

    def ask(self, request: bytes, timeout: float | None, *, without_body: bool = False) -> Answer:
        """Sends a request; its answer as soon as the head is there. Raises NoAnswerError."""
        try:
            self.stream.settimeout(timeout)
            self.stream.sendall(request)
        except (BrokenPipeError, ConnectionResetError) as error:
            return self._refusal(error)
        except (OSError, ValueError) as error:
            raise _broken(error) from error
        return Answer(self, without_body=without_body)

    def put(self, request: bytes) -> None:
        """Sends a request and does not wait for its answer. Raises NoAnswerError."""
        try:
            self.stream.settimeout(_SEND_SECONDS)
            self.stream.sendall(request)
        except (OSError, ValueError) as error:
            raise _broken(error) from error

    def _refusal(self, error: OSError) -> Answer:
        """What a server said that did not want to read all of the request."""
        try:
            answer = Answer(self, without_body=False)
        except NoAnswerError:
            raise _broken(error) from error
        answer.keeps = False
        return answer

    def alive(self) -> bool:
        """Whether the server has not closed the connection while nobody used it."""
        if time.monotonic() - self._used_at < _FRESH_SECONDS:
            return True
        with suppress(OSError, ValueError):
            poll = select.poll()
            poll.register(self.tcp, select.POLLIN)
            return not poll.poll(0)
        return False

    def rest(self) -> None:
        """Notes that nobody uses it from now on."""
        self._used_at = time.monotonic()

    def close(self) -> None:
        """Ends it."""
        with suppress(OSError):
            self.stream.close()

    def shutdown(self) -> None:
        """Ends it under the feet of a thread that waits for more."""
        with suppress(OSError, ValueError):
            socket.socket.shutdown(self.tcp, socket.SHUT_RDWR)

    def receive(self) -> bytes:
        """What comes next; b"" at the end. Raises NoAnswerError."""
        try:
            return self.stream.recv(_PART_BYTES)
        except (OSError, ValueError) as error:
            raise _broken(error) from error


class Answer:
    """An answer: its status, its headers by their names in lower case, and its body, which is read once.

    Made as soon as the head is there. Raises NoAnswerError for what is none.
    """

    def __init__(self, wire: Wire, *, without_body: bool = False) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.data = b""
        self.keeps = False
        self._wire = wire
        self._parts: list[bytes] = []
        self._begun = self._complete = False
        self._parser = HttpResponseParser(self)
        size = 0
        while not self._begun:
            size += self._feed()
            if size > _HEAD_BYTES:
                raise NoAnswerError(_NO_HTTP)
        self._complete |= without_body

    def on_message_begin(self) -> None:
        """The parser's: a first answer, the one after "100 Continue", or one that nobody asked for."""
        if self._complete:
            raise ValueError("an answer without a request")
        self.headers.clear()

    def on_header(self, name: bytes, value: bytes) -> None:
        """The parser's: a header."""
        self.headers[name.decode("latin-1").lower()] = value.decode("latin-1").strip()

    def on_headers_complete(self) -> None:
        """The parser's: the head is there."""
        self.status = self._parser.get_status_code()
        self._begun = self.status >= 200

    def on_body(self, part: bytes) -> None:
        """The parser's: some of the body, without what marks its chunks."""
        self._parts.append(part)

    def on_message_complete(self) -> None:
        """The parser's: the body is there, too."""
        self._complete = self._begun
        self.keeps = self._begun and self._parser.should_keep_alive()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parts(self) -> Iterator[bytes]:
        """The body as it comes. Raises NoAnswerError where it breaks off."""
        while True:
            parts, self._parts = self._parts, []
            yield from parts
            if self._complete:
                return
            self._feed()

    def read(self) -> bytes:
        """The whole body, unpacked; it is `data` from then on. Once."""
        self.data = b"".join(self.parts())
        if self.headers.get("content-encoding") == "gzip":
            try:
                self.data = zlib.decompress(self.data, _GZIP)
            except zlib.error as error:
                raise NoAnswerError(f"the answer is damaged ({error})") from None
        del self._parser  # it holds this answer, and with it the whole body, until the garbage collector comes by
        return self.data

    def shutdown(self) -> None:
        """Ends an answer that another thread may be reading."""
        self._wire.shutdown()

    def close(self) -> None:
        """Ends the connection that the answer came on."""
        self._wire.close()

    def _feed(self) -> int:
        """Gives the parser what comes; how much that was."""
        part = self._wire.receive()
        if not part:
            self._end()
        try:
            self._parser.feed_data(part)
        except HttpParserError as error:
            raise NoAnswerError(_NO_HTTP) from error
        return len(part)

    def _end(self) -> None:
        """The connection is closed: the end of a body whose length was not said, else too early."""
        bounded = "content-length" in self.headers or "transfer-encoding" in self.headers
        if not self._begun or bounded:
            raise NoAnswerError("the connection was closed before the answer was complete")
        self._complete = True


def _broken(error: Exception) -> NoAnswerError:
    kind = AnswerTimeoutError if isinstance(error, TimeoutError) else NoAnswerError
    return kind(str(error))
