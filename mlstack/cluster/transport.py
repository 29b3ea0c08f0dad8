"""Requests to one server: connections that are kept, one attempt per call."""

from __future__ import annotations

import re
import threading
from ssl import SSLSession
from urllib.parse import quote

from mlstack.cluster.connection import Connection
from mlstack.cluster.dial import Route, session_of
from mlstack.cluster.feed import Feed
from mlstack.cluster.request import Request
from mlstack.cluster.wire import Answer, NoAnswerError, Wire
from mlstack.version import __version__

USER_AGENT = f"mlstack/{__version__}"
_PRINTABLE = "".join(map(chr, range(33, 127)))
_PLAIN = re.compile(r"[!-~]*")


class Transport:
    """Kept connections: as many as were needed at once, up to `connections`. Safe to use from many threads."""

    def __init__(self, connection: Connection, connections: int) -> None:
        self.connection = connection
        self._connections = connections
        self._lock = threading.Lock()
        self._route: Route | None = None
        self._idle: list[Wire] = []
        self._session: SSLSession | None = None

    def send(self, request: Request, *, streamed: bool = False) -> Answer:
        """One attempt. Raises NoAnswerError where there is no answer; answers of 400 or more are returned.

        A streamed answer is read as it comes, and its connection ends with it.
        """
        written = self._written(request, streamed=streamed)
        wire = self._take()
        try:
            answer = wire.ask(written, request.timeout)
            if not streamed:
                answer.read()
        except BaseException:
            wire.close()
            raise
        if not streamed:
            self._put_back(wire, answer)
        return answer

    def begin(self, request: Request) -> Feed:
        """Sends a request whose answer is read by and by, on a connection of its own. Raises NoAnswerError."""
        written = self._written(request, streamed=True)
        wire = self._take()
        try:
            wire.put(written)
            return Feed(wire)
        except BaseException:
            wire.close()
            raise

    def close(self) -> None:
        """Closes the idle connections and forgets who was on them; a later request opens new ones."""
        self._session = None
        while self._idle:
            self._idle.pop().close()

    def _take(self) -> Wire:
        try:
            while not (wire := self._idle.pop()).alive():
                wire.close()
        except IndexError:  # no idle one is left
            return self.route.dial(self._session)
        return wire

    def _put_back(self, wire: Wire, answer: Answer) -> None:
        if not answer.keeps or len(self._idle) >= self._connections:
            wire.close()
            return
        if self._session is None:
            self._session = session_of(wire)
        wire.rest()
        self._idle.append(wire)

    @property
    def route(self) -> Route:
        """The way to the server, found at the first use."""
        if self._route is None:
            with self._lock:  # the TLS settings are made once, not by each of 32 workers
                self._route = self._route or Route(self.connection)
        return self._route

    def _written(self, request: Request, *, streamed: bool) -> bytes:
        route = self.route
        target = f"{route.prefix}{request.target}"
        if not _PLAIN.fullmatch(target):
            target = quote(target, safe=_PRINTABLE)
        lines = [f"{request.method} {target} HTTP/1.1", f"Host: {route.host}", f"User-Agent: {USER_AGENT}"]
        # Long lists come over a wide network several times as fast; a stream's parts should not wait for a packer.
        lines.append("Accept-Encoding: identity" if streamed else "Accept-Encoding: gzip")
        headers = [*request.headers.items(), *self.connection.headers(), *route.headers]
        lines += [f"{name}: {value}" for name, value in headers]
        body = request.body or b""
        if body or request.method != "GET":
            lines.append(f"Content-Length: {len(body)}")
        if not all(map(str.isprintable, lines)):
            raise NoAnswerError("a credential or a name in the kubeconfig has a line break, which no request can hold")
        return "\r\n".join([*lines, "", ""]).encode() + body
