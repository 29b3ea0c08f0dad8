"""The last lines that crashed containers wrote: read aside, once each, and little of it."""

from __future__ import annotations

import threading
import time

from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.logs import pod_logs
from mlstack.plan.reasons import Log

LINES = 3  # in a reason
CHARACTERS = 300
KEPT_LINES = 20  # with the record of a run
BYTES = 1 << 14  # a line may be of any length
AGAIN_SECONDS = 5.0  # a log that is not there yet


class Tails:
    """What crashed containers of a cluster said last."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.read: dict[Log, str] = {}  # in one line
        self.texts: dict[Log, str] = {}
        self.asked: dict[Log, float] = {}
        self.threads: list[threading.Thread] = []

    def of(self, log: Log | None) -> str:
        """The last lines in one, "" as long as they are not read (and where there are none)."""
        if log is None:
            return ""
        now = time.monotonic()
        if not self.read.get(log) and now - self.asked.get(log, -AGAIN_SECONDS) >= AGAIN_SECONDS:
            self.asked[log] = now
            # A kubelet that does not answer must not hold up the wait.
            thread = threading.Thread(target=self._ask, args=(log,), daemon=True, name=f"log-{log.pod}")
            self.threads = [one for one in self.threads if one.is_alive()] + [thread]
            thread.start()
        return self.read.get(log, "")

    def settle(self, seconds: float) -> None:
        """Wait for what is being read, so long at most."""
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _ask(self, log: Log) -> None:
        place = log.namespace, log.pod, log.container
        try:
            text = pod_logs(self.client, *place, tail=KEPT_LINES, previous=log.previous, limit_bytes=BYTES)
        except ClusterError:
            return
        self.texts[log] = text
        self.read[log] = in_one_line(text)


def in_one_line(text: str) -> str:
    """The end of a log, its lines parted by slashes."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    told = " / ".join(lines[-LINES:])
    return told if len(told) <= CHARACTERS else f"…{told[-CHARACTERS:]}"
