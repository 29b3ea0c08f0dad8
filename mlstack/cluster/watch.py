"""Changes as they happen: one request that stays open, taken up again where it broke."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, UnreachableError
from mlstack.cluster.kinds import Resource
from mlstack.cluster.objects import METADATA, Manifest
from mlstack.cluster.request import JSON, Request
from mlstack.cluster.translate import Asked, from_status
from mlstack.cluster.wire import Answer, NoAnswerError

# After this long the server ends a watch by itself; it is then taken up again. Less than usual idle limits of proxies.
_WATCH_SECONDS = 290
# The server sends a bookmark about once a minute: much longer without a byte is a dead connection (a laptop's sleep).
_SILENCE_SECONDS = 150.0
_PATIENCE_SECONDS = 30.0
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class Event:
    """What happened ("ADDED", "MODIFIED", "DELETED") and the object as it is after it (or was before its end)."""

    type: str
    object: Manifest


class Watch:
    """The changes of a kind in a namespace (None: in all) since a resource version, as an iterator of Events.

    Taken up again after a broken connection or an end by the server, from the last version seen (bookmarks count).
    Ends when `stop()` is called, from any thread. Raises GoneError when the version is too old (list again), and
    UnreachableError when the server has been away for half a minute.
    """

    def __init__(
        self,
        client: Client,
        resource: Resource,
        namespace: str | None,
        resource_version: str,
        *,
        labels: str = "",
        fields: str = "",
        metadata_only: bool = False,
    ) -> None:
        self.resource_version = resource_version
        self._client = client
        self._path = resource.path(namespace)
        self._accept = METADATA if metadata_only else JSON
        chosen = {"labelSelector": labels, "fieldSelector": fields}
        self._query = {key: value for key, value in chosen.items() if value}
        self._stopped = threading.Event()
        self._answer: Answer | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends the watch; an iteration that waits for the next event returns at once."""
        with self._lock:
            self._stopped.set()
            if self._answer is not None:
                self._answer.shutdown()

    def __iter__(self) -> Iterator[Event]:
        lost_at = 0.0
        while not self._stopped.is_set():
            try:
                with self._open() as answer:
                    lost_at = 0.0
                    yield from self._events(answer)
            except UnreachableError:
                lost_at = lost_at or time.monotonic()
                if time.monotonic() - lost_at > _PATIENCE_SECONDS:
                    raise
            except ClusterError as error:
                if not error.retryable:
                    raise
            self._stopped.wait(_PAUSE_SECONDS)

    def _open(self) -> Answer:
        query = {
            **self._query,
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": self.resource_version,
            "timeoutSeconds": _WATCH_SECONDS,
        }
        answer = self._client.stream(Request("GET", self._path, query, accept=self._accept, timeout=_SILENCE_SECONDS))
        with self._lock:
            self._answer = answer
            if self._stopped.is_set():
                answer.shutdown()
        return answer

    def _events(self, answer: Answer) -> Iterator[Event]:
        """The events of one connection, until it ends for whatever reason."""
        try:
            for line in _lines(answer):
                event = self._event(json.loads(line))
                if event:
                    yield event
        except (NoAnswerError, ValueError):
            return  # broken in the middle, or stopped: the next connection goes on from the last version

    def _event(self, said: dict[str, Any]) -> Event | None:
        thing = said["object"]
        if said["type"] == "ERROR":
            code = int(thing.get("code") or 500)
            asked = Asked.of(Request("GET", self._path, {"watch": "true"}), self._client.connection)
            raise from_status(code, json.dumps(thing).encode(), asked)
        self.resource_version = thing["metadata"]["resourceVersion"]
        return None if said["type"] == "BOOKMARK" else Event(said["type"], thing)


def _lines(answer: Answer) -> Iterator[bytes]:
    """The answer's lines, each as soon as it is complete."""
    rest = b""
    for part in answer.parts():
        *whole, rest = (rest + part).split(b"\n")
        yield from (line for line in whole if line)
