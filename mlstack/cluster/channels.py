"""v4.channel.k8s.io: one forwarded connection per websocket, for API servers before 1.30 and whatever refuses SPDY.

Binary messages whose first byte is a channel: 0 for data, 1 for the error. The first message of either is the port
number. There is no half-close: that our side is shut can't be said, and the pod's end is the websocket's.
"""

from __future__ import annotations

from mlstack.cluster.spdy import Event, Message, Over, Part

SUBPROTOCOL = "v4.channel.k8s.io"
_DATA, _ERROR = 0, 1
_ONLY = 1


class Channels:
    """One side's state, with the verbs of `Spdy`; its only connection has the number 1."""

    half_closes = False
    full = True

    def __init__(self) -> None:
        self._greeted: set[int] = set()

    def open(self, port: int) -> tuple[int, bytes]:
        """The connection that there is: the websocket's address has named its port already."""
        return _ONLY, b""

    def data(self, connection: int, part: bytes | memoryview) -> bytes:
        """Bytes for the pod."""
        return b"\0" + part

    def end(self, connection: int) -> bytes:
        """Nothing that can be said."""
        return b""

    def reset(self, connection: int) -> bytes:
        """Nothing that can be said: the websocket is closed instead."""
        return b""

    def ping(self) -> bytes:
        """Nothing: the websocket's own pings do it."""
        return b""

    def feed(self, data: Message) -> list[Event]:
        """A message, as events."""
        if not data or data[0] > _ERROR:
            return []
        if data[0] not in self._greeted:
            self._greeted.add(data[0])
            return []
        if data[0] == _DATA:
            return [Part(_ONLY, memoryview(data)[1:])] if len(data) > 1 else []
        return [Over(_ONLY, bytes(data[1:]).decode("utf-8", "replace").strip())]
