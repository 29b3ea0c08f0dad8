"""SPDY/3.1 as Kubernetes speaks it for port-forward: many connections to a pod in one stream of bytes. Without I/O.

kubectl and the kubelet use github.com/moby/spdystream, which leaves out most of the protocol: there are no flow-control
windows (what holds a slow side back is TCP, for all streams at once), no pushes, no settings. So this module writes
SYN_STREAM, DATA, RST_STREAM and PING, and reads what tells a stream's fate. Nobody needs the header blocks that come
back (they are empty), so they are skipped and never unpacked.

A forwarded connection is a pair of streams (client-go, tools/portforward): first one for errors, of which our half is
shut at once, then one for data. Both carry the port and a request id of ours.

Protocol: https://www.chromium.org/spdy/spdy-protocol/spdy-protocol-draft3-1/
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass

SUBPROTOCOL = "SPDY/3.1+portforward.k8s.io"
_SYN_STREAM, _SYN_REPLY, _RST_STREAM, _PING, _GOAWAY = 1, 2, 3, 6, 7
_CONTROL = 0x80030000  # the control bit and the version, 3
_FIN = 1
_CANCEL = 5
_HEAD = struct.Struct(">II")
_WORD = struct.Struct(">I")
_LENGTH = (1 << 24) - 1
_CONTROL_BYTES = 1 << 16
_ERROR_BYTES = 1 << 14
_LAST_STREAM = 1 << 30
# Draft 3.1, section 2.6.10.1: names with their lengths before them, then plain text.
_NAMES = """options head post put delete trace accept accept-charset accept-encoding accept-language accept-ranges age
allow authorization cache-control connection content-base content-encoding content-language content-length
content-location content-md5 content-range content-type date etag expect expires from host if-match if-modified-since
if-none-match if-range if-unmodified-since last-modified location max-forwards pragma proxy-authenticate
proxy-authorization range referer retry-after server te trailer transfer-encoding upgrade user-agent vary via warning
www-authenticate method get status 200_OK version HTTP/1.1 url public set-cookie keep-alive origin"""
_TEXT = (
    "100101201202205206300302303304305306307402405406407408409410411412413414415416417502504505203 Non-Authoritative "
    "Information204 No Content301 Moved Permanently400 Bad Request401 Unauthorized403 Forbidden404 Not Found500 "
    "Internal Server Error501 Not Implemented503 Service UnavailableJan Feb Mar Apr May Jun Jul Aug Sept Oct Nov Dec "
    "00:00:00 Mon, Tue, Wed, Thu, Fri, Sat, Sun, GMTchunked,text/html,image/png,image/jpg,image/gif,application/xml,"
    "application/xhtml+xml,text/plain,text/javascript,publicprivatemax-age=gzip,deflate,sdchcharset=utf-8"
    "charset=iso-8859-1,utf-,*,enq=0."
)


class ProtocolError(Exception):
    """What came is not the protocol."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The other side knows the connection: it will not be lost silently any more."""

    connection: int


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes from the pod."""

    connection: int
    data: memoryview


@dataclass(frozen=True, slots=True)
class Ended:
    """The pod sends nothing more on the connection; it may still read."""

    connection: int


@dataclass(frozen=True, slots=True)
class Over:
    """The connection is over; `error` says why it failed, if it did."""

    connection: int
    error: str


@dataclass(frozen=True, slots=True)
class Leaving:
    """The other side takes no new connections here."""


Event = Opened | Part | Ended | Over | Leaving
Message = bytes | bytearray | memoryview


class Spdy:
    """One side's state. A connection is known by the number of its data stream."""

    half_closes = True

    def __init__(self) -> None:
        # A small window: the few headers repeat themselves.
        self._pack = zlib.compressobj(wbits=11, memLevel=1, zdict=dictionary())
        self._next = 1
        self._pings = 1
        self._errors: dict[int, bytearray] = {}
        self._head = bytearray()
        self._body = bytearray()
        self._left = self._word = self._flags = 0

    @property
    def full(self) -> bool:
        """Whether its numbers for streams are used up."""
        return self._next > _LAST_STREAM

    def open(self, port: int) -> tuple[int, bytes]:
        """A new connection to a port: its number, and what to send."""
        error, data = self._next, self._next + 2
        self._next += 4
        self._errors[error] = bytearray()
        wanted = {"port": str(port), "requestid": str(data)}
        sent = self._syn(error, {**wanted, "streamtype": "error"}, _FIN) + self._syn(
            data, {**wanted, "streamtype": "data"}, 0
        )
        return data, sent

    def data(self, connection: int, part: bytes | memoryview) -> bytes:
        """Bytes for the pod (fewer than 16 MiB)."""
        return _HEAD.pack(connection, len(part)) + part

    def end(self, connection: int) -> bytes:
        """Our half of a connection is shut."""
        return _HEAD.pack(connection, _FIN << 24)

    def reset(self, connection: int) -> bytes:
        """We want nothing more of a connection, and what is under way is thrown away."""
        self._errors.pop(connection - 2, None)
        return _HEAD.pack(_CONTROL | _RST_STREAM, 8) + _HEAD.pack(connection, _CANCEL)

    def ping(self) -> bytes:
        """A question that the other side answers with the same bytes."""
        self._pings += 2
        return _HEAD.pack(_CONTROL | _PING, 4) + _WORD.pack(self._pings & 0x7FFFFFFF)

    def feed(self, data: Message) -> list[Event]:
        """What came, wherever it was cut, as events. Raises ProtocolError."""
        events: list[Event] = []
        view = memoryview(data)
        at = 0
        while at < len(view):
            if self._left:
                part = view[at : at + self._left]
                self._left -= len(part)
                self._take(part, events)
            else:
                part = view[at : at + _HEAD.size - len(self._head)]
                self._head += part
                if len(self._head) == _HEAD.size:
                    self._begin(events)
            at += len(part)
        return events

    def _begin(self, events: list[Event]) -> None:
        """A frame's head is there."""
        self._word, length = _HEAD.unpack(self._head)
        self._flags, self._left = length >> 24, length & _LENGTH
        self._head.clear()
        self._body.clear()
        if self._word >> 31 and (self._word & 0x7FFF0000 != _CONTROL & 0x7FFF0000 or self._left > _CONTROL_BYTES):
            raise ProtocolError(f"a frame that is not SPDY/3 ({self._word:#x}, {self._left} bytes)")
        if not self._left:
            self._finish(events)

    def _take(self, part: memoryview, events: list[Event]) -> None:
        """Some of a frame's body."""
        if self._word >> 31:
            self._body += part
        elif self._word in self._errors:
            error = self._errors[self._word]
            error += part[: _ERROR_BYTES - len(error)]
        else:
            events.append(Part(self._word, part))
        if not self._left:
            self._finish(events)

    def _finish(self, events: list[Event]) -> None:
        """The frame is whole."""
        if not self._word >> 31:
            if self._flags & _FIN:
                self._ended(self._word, events)
            return
        kind = self._word & 0xFFFF
        if kind == _GOAWAY:
            events.append(Leaving())
        elif kind in (_SYN_REPLY, _RST_STREAM):
            self._fate(kind, events)

    def _fate(self, kind: int, events: list[Event]) -> None:
        if len(self._body) < _WORD.size:
            raise ProtocolError("a frame that is too short")
        stream = _WORD.unpack_from(self._body)[0] & 0x7FFFFFFF
        if kind == _RST_STREAM:
            self._ended(stream, events)
        elif stream not in self._errors:
            events.append(Opened(stream))

    def _ended(self, stream: int, events: list[Event]) -> None:
        """A stream's other half is shut, or all of it was reset. An error's text comes last of all."""
        error = self._errors.pop(stream, None)
        if error is None:
            events.append(Ended(stream))
        else:
            events.append(Over(stream + 2, error.decode("utf-8", "replace").strip()))

    def _syn(self, stream: int, headers: dict[str, str], flags: int) -> bytes:
        block = _WORD.pack(len(headers)) + b"".join(map(_counted, (word for pair in headers.items() for word in pair)))
        packed = self._pack.compress(block) + self._pack.flush(zlib.Z_SYNC_FLUSH)
        head = _HEAD.pack(_CONTROL | _SYN_STREAM, flags << 24 | len(packed) + 10)
        return head + _HEAD.pack(stream, 0) + b"\0\0" + packed


def dictionary() -> bytes:
    """What both sides' compressors know beforehand: 1,423 bytes."""
    return b"".join(_counted(name.replace("_", " ")) for name in _NAMES.split()) + _TEXT.encode()


def _counted(word: str) -> bytes:
    return _WORD.pack(len(word)) + word.encode()
