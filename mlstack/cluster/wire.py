"""HTTP/1.1 on one connection: a request out, an answer in. As little as an API server and its proxies need.

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

_PART_BYTES = 1 << 16
_HEAD_BYTES = 1 << 18  # no server sends more headers than that
_WITHOUT_BODY = (204, 304)
_GZIP = 31  # zlib's number for "with gzip's header"
# A connection that was used so short a time ago need not be looked at before it is used again.
_FRESH_SECONDS = 1.0


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
        self._tcp = tcp
        self._rest = b""
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
        return self._answer(without_body=without_body)

    def _refusal(self, error: OSError) -> Answer:
        """What a server said that did not want to read all of the request."""
        try:
            answer = self._answer(without_body=False)
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
            poll.register(self._tcp, select.POLLIN)
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
            socket.socket.shutdown(self._tcp, socket.SHUT_RDWR)

    def exactly(self, size: int) -> Iterator[bytes]:
        """The next `size` bytes, in parts as they come."""
        while size:
            part = self._rest or self._receive()
            self._rest = part[size:]
            part = part[:size]
            size -= len(part)
            yield part

    def chunks(self) -> Iterator[bytes]:
        """A chunked body, in parts as they come."""
        while size := _size(self._line()):
            yield from self.exactly(size)
            self._line()
        while self._line():
            pass  # trailers

    def to_end(self) -> Iterator[bytes]:
        """All that comes until the server closes the connection."""
        yield self._rest
        while part := self._receive(may_end=True):
            yield part

    def _answer(self, *, without_body: bool) -> Answer:
        while True:
            status, version, headers = _parsed(self._until(b"\r\n\r\n"))
            if status >= 200:
                return Answer(self, status, version, headers, without_body=without_body)

    def _line(self) -> bytes:
        return self._until(b"\r\n")

    def _until(self, mark: bytes) -> bytes:
        while (end := self._rest.find(mark)) < 0:
            if len(self._rest) > _HEAD_BYTES:
                raise NoAnswerError("what answers there does not speak HTTP")
            self._rest += self._receive()
        found, self._rest = self._rest[:end], self._rest[end + len(mark) :]
        return found

    def _receive(self, *, may_end: bool = False) -> bytes:
        try:
            part = self.stream.recv(_PART_BYTES)
        except (OSError, ValueError) as error:
            raise _broken(error) from error
        if not part and not may_end:
            raise NoAnswerError("the connection was closed before the answer was complete")
        return part


class Answer:
    """An answer: its status, its headers by their names in lower case, and its body, which is read once."""

    def __init__(
        self, wire: Wire, status: int, version: str, headers: dict[str, str], *, without_body: bool = False
    ) -> None:
        self.status = status
        self.headers = headers
        self.data = b""
        self._wire = wire
        self._empty = without_body or status in _WITHOUT_BODY
        self._bounded = self._empty or "content-length" in headers or "transfer-encoding" in headers
        self.keeps = version == "HTTP/1.1" and self._bounded and headers.get("connection", "").lower() != "close"

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def parts(self) -> Iterator[bytes]:
        """The body as it comes. Raises NoAnswerError where it breaks off."""
        if self._empty:
            return iter(())
        if "chunked" in self.headers.get("transfer-encoding", "").lower():
            return self._wire.chunks()
        length = self.headers.get("content-length")
        return self._wire.to_end() if length is None else self._wire.exactly(_number(length, 10))

    def read(self) -> bytes:
        """The whole body, unpacked; it is `data` from then on."""
        self.data = b"".join(self.parts())
        if self.headers.get("content-encoding") == "gzip":
            try:
                self.data = zlib.decompress(self.data, _GZIP)
            except zlib.error as error:
                raise NoAnswerError(f"the answer is damaged ({error})") from None
        return self.data

    def shutdown(self) -> None:
        """Ends an answer that another thread may be reading."""
        self._wire.shutdown()

    def close(self) -> None:
        """Ends the connection that the answer came on."""
        self._wire.close()


def _parsed(head: bytes) -> tuple[int, str, dict[str, str]]:
    """(status, HTTP's version, headers)."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    if not version.startswith("HTTP/1.") or not rest[:3].isdigit():
        raise NoAnswerError("what answers there does not speak HTTP")
    headers = {}
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return int(rest[:3]), version, headers


def _size(line: bytes) -> int:
    return _number(line.partition(b";")[0].strip(), 16)


def _number(text: str | bytes, base: int) -> int:
    try:
        return int(text, base)
    except ValueError:
        raise NoAnswerError("the answer's length cannot be read") from None


def _broken(error: Exception) -> NoAnswerError:
    kind = AnswerTimeoutError if isinstance(error, TimeoutError) else NoAnswerError
    return kind(str(error))
