"""How many requests are under way at once: all that were asked for, until the server says that it is too much."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Limiter:
    """A semaphore whose size is halved by each 429 or 503 and recovers by one per round of successes.

    `limit` is its size now. A pause that the server asked for (Retry-After) holds all requests, not one.
    """

    def __init__(self, maximum: int) -> None:
        self.maximum = maximum
        self.limit = maximum
        self._busy = 0
        self._good = 0
        self._resume_at = 0.0
        self._changed = threading.Condition()

    @contextmanager
    def slot(self) -> Iterator[None]:
        """Waits until one more request may start, and holds its place."""
        with self._changed:
            while not self._may_start():
                self._changed.wait(self._pause() or None)
            self._busy += 1
        try:
            yield
        finally:
            with self._changed:
                self._busy -= 1
                self._changed.notify()

    def succeeded(self) -> None:
        """Counts a success; a full round of them allows one more at once."""
        if self.limit == self.maximum:
            return
        with self._changed:
            self._good += 1
            if self._good >= self.limit:
                self._good = 0
                self.limit = min(self.maximum, self.limit + 1)
                self._changed.notify()

    def throttled(self, pause: float) -> None:
        """Halves the size and lets nothing start for `pause` seconds."""
        with self._changed:
            resume_at = time.monotonic() + pause
            # 32 answers to one burst are one message, not 32 halvings.
            if resume_at > self._resume_at and not self._pause():
                self.limit = max(1, self.limit // 2)
                self._good = 0
            self._resume_at = max(self._resume_at, resume_at)

    def _may_start(self) -> bool:
        return self._busy < self.limit and not self._pause()

    def _pause(self) -> float:
        return max(0.0, self._resume_at - time.monotonic())
