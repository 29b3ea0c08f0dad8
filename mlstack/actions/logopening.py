"""What many followed logs share: a few threads that open them, one word for all that are in trouble, one renewal."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable

from mlstack.actions.logreader import Reader
from mlstack.cluster.client import Client
from mlstack.cluster.feed import Feed
from mlstack.errors import MlstackError, wrap_unexpected

OPENERS = 8
RENEW_SECONDS = 10.0


class Openers:
    """Threads that send readers' requests: connections and handshakes take their time, and a server that is away takes
    longer. `post` gets what came of each, from their threads."""

    def __init__(self, client: Client, post: Callable[[Reader, Feed | MlstackError], None]) -> None:
        self._client, self._post = client, post
        self._asked: queue.SimpleQueue[Reader | None] = queue.SimpleQueue()
        self._threads = 0

    def open(self, reader: Reader) -> None:
        """Has the reader's request sent."""
        self._asked.put(reader)
        if self._threads < OPENERS:
            self._threads += 1
            threading.Thread(target=self._run, daemon=True, name="logs").start()

    def close(self) -> None:
        """Ends the threads, each when it is done with what it does."""
        for _ in range(self._threads):
            self._asked.put(None)

    def _run(self) -> None:
        while (reader := self._asked.get()) is not None:
            assert reader.asked is not None
            try:
                with wrap_unexpected("opening a log"):
                    self._post(reader, self._client.begin(reader.asked))
            except MlstackError as error:
                self._post(reader, error)


class Trouble:
    """Told once for all that are in trouble together, and once when the last of them is out of it."""

    def __init__(self, on_notice: Callable[[str], None]) -> None:
        self._on_notice = on_notice
        self._troubled: set[object] = set()

    def tell(self, who: object, error: MlstackError) -> None:
        """Something of theirs does not answer."""
        if not self._troubled:
            self._on_notice(f"{error.message.rstrip('.')}. The logs go on when it answers.")
        self._troubled.add(who)

    def mended(self, who: object) -> None:
        """It answers, or it is no longer asked."""
        if who in self._troubled:
            self._troubled.discard(who)
            if not self._troubled:
                self._on_notice("The logs go on.")


class Renewals:
    """Credentials renewed once for all the logs that were refused together."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._at = -RENEW_SECONDS

    def renew(self) -> bool:
        """Whether there are, or just were, others."""
        if time.monotonic() - self._at < RENEW_SECONDS:
            return True
        self._at = time.monotonic()
        return self._client.renew()
