"""Requests to one API server: raw JSON, retries as the server asks, and a count of what was sent."""

from __future__ import annotations

import itertools
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from mlstack.cluster.connection import Connection
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.feed import Feed
from mlstack.cluster.limiter import Limiter
from mlstack.cluster.parallel import run_all
from mlstack.cluster.request import JSON, Request
from mlstack.cluster.translate import Asked, from_status, from_transport
from mlstack.cluster.transport import Transport
from mlstack.cluster.wire import Answer, AnswerTimeoutError, NeverSentError, NoAnswerError
from mlstack.errors import MlstackError

Item = TypeVar("Item")
Result = TypeVar("Result")
Json = dict[str, Any]

CONNECTIONS = 32
_ATTEMPTS = 6
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 30.0
_PASSING = (429, 502, 503, 504)
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


class Client:
    """One cluster as one user. Safe to use from many threads.

    `requests` counts what was sent, retries included, by verb and resource: {"LIST pods": 1, "PATCH configmaps": 2}.
    `namespace` is what the context names, "" for none. `limiter.limit` is how many requests may be under way now.
    """

    def __init__(self, connection: Connection, connections: int = CONNECTIONS) -> None:
        self.connection = connection
        self.context = connection.context
        self.server = connection.server
        self.namespace = connection.namespace
        self.requests: Counter[str] = Counter()
        self.limiter = Limiter(connections)
        self._transport = Transport(connection, connections)
        self._counting = threading.Lock()
        self._answered = False

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the idle connections."""
        self._transport.close()

    def send(self, request: Request) -> bytes:
        """Sends a request, again where that is safe and may help; the answer's body. Raises a ClusterError."""
        for attempt in itertools.count(1):
            with self.limiter.slot():
                answer = self._attempt(request, attempt)
            if answer is None:
                time.sleep(_pause(attempt))
            elif answer.status < 400:
                self.limiter.succeeded()
                return answer.data
            elif not self._retries(request, answer, attempt):
                break
        assert answer is not None
        raise from_status(answer.status, answer.data, Asked.of(request, self.connection))

    def json(
        self, method: str, path: str, query: Mapping[str, Any] | None = None, body: Any = None, *, accept: str = JSON
    ) -> Json:
        """`send` for plain data in and out."""
        raw = None if body is None else encode(body)
        answer: Json = json.loads(self.send(Request(method, path, query or {}, raw, accept=accept)))
        return answer

    def stream(self, request: Request) -> Answer:
        """An answer that is read as it comes (a watch, logs). The caller closes it. Sent once."""
        for attempt in itertools.count(1):
            self._count(request)
            try:
                answer = self._transport.send(request, streamed=True)
            except NoAnswerError as error:
                raise from_transport(error, Asked.of(request, self.connection)) from error
            if answer.status < 400:
                return answer
            body = answer.read()
            answer.close()
            if answer.status != 401 or attempt > 1 or not self._refresh():
                break
        raise from_status(answer.status, body, Asked.of(request, self.connection))

    def begin(self, request: Request) -> Feed:
        """Sends a request whose answer is read by and by, beside many others. Sent once, and without a place in the
        limiter: what is followed for hours must not hold up anything. Its status is the caller's to look at."""
        self._count(request)
        try:
            return self._transport.begin(request)
        except NoAnswerError as error:
            raise from_transport(error, Asked.of(request, self.connection)) from error

    def refusal(self, request: Request, status: int, body: bytes) -> ClusterError:
        """What a feed's answer of 400 or more means."""
        return from_status(status, body, Asked.of(request, self.connection))

    def renew(self) -> bool:
        """Renews the credentials, after a 401; whether that was possible."""
        return self._refresh()

    def map(
        self, function: Callable[[Item], Result], items: Iterable[Item], workers: int = CONNECTIONS
    ) -> list[Result | MlstackError]:
        """`function` of each item, many at once: results, or the MlstackError each one raised, in the items' order."""
        return run_all(function, items, workers)

    def _attempt(self, request: Request, attempt: int) -> Answer | None:
        """One attempt; None where the connection broke and another attempt may mend it."""
        self._count(request)
        try:
            answer = self._transport.send(request)
        except NoAnswerError as error:
            if attempt < _ATTEMPTS and self._may_mend(request, error):
                return None
            raise from_transport(error, Asked.of(request, self.connection)) from error
        self._answered = True
        return answer

    def _may_mend(self, request: Request, error: NoAnswerError) -> bool:
        """Whether to try again after a connection broke: a server that has answered before may be restarting."""
        if isinstance(error, AnswerTimeoutError):
            return False  # it waited its whole time-out already
        return self._answered and (isinstance(error, NeverSentError) or request.may_repeat)

    def _retries(self, request: Request, answer: Answer, attempt: int) -> bool:
        """Whether an answer of 400 or more is worth another attempt; sets the pause that the server asks for."""
        if answer.status == 401:
            return attempt == 1 and self._refresh()
        if answer.status not in _PASSING or attempt >= _ATTEMPTS:
            return False
        # An eviction held by a PodDisruptionBudget is a 429 that waiting a second does not mend.
        if b"DisruptionBudget" in answer.data or not (answer.status == 429 or request.may_repeat):
            return False
        told = answer.headers.get("retry-after", "")
        self.limiter.throttled(min(float(told), _LONGEST_PAUSE) if told.isdigit() else _pause(attempt))
        return True

    def _refresh(self) -> bool:
        """Renews the credentials; connections that a former certificate opened are not used again."""
        renewed = self.connection.refresh()
        self._transport.close()
        return renewed

    def _count(self, request: Request) -> None:
        with self._counting:
            self.requests[request.label] += 1


def encode(body: Any) -> bytes:
    """Plain data as compact JSON that the server's YAML reader takes too, which reads applies: it knows no escapes in
    pairs (as of emoji), and no control characters as they are.
    """
    text = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _pause(attempt: int) -> float:
    """Seconds before the next attempt: doubling, with some chance so that 32 workers do not knock together."""
    return float(_FIRST_PAUSE * 2 ** (attempt - 1) * (0.5 + random.random()))
