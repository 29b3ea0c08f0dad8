"""The place in a container's log up to which it was printed, found again by what the lines are.

Times are of no use for this: a node's clock is set back, and lines written afterwards are older than those before. A
log is one file, whose lines keep their order and their bytes, time stamps included: the lines printed last are looked
for in the end of the log, or in all of it.
"""

from __future__ import annotations

from collections import deque
from operator import eq

REMEMBERED = 64  # lines
FIRST_TAIL = 500  # lines that are asked for at first; each time the place is not among them, so many times more
WIDER = 16
WIDEST = FIRST_TAIL * WIDER * WIDER  # beyond, all of the log is asked for
HEAD = 8  # lines by which two answers are known to begin alike
BUFFER_BYTES = 32 << 20  # a kubelet begins a new file after 10 MiB


class Position:
    """Which lines of what comes are new.

    Between `search` and the place's being found, lines are held back: they are new only if the place is in another
    file, which is known when the answer ends, is silent (`settle`), or is as long as before though more was asked for.
    """

    def __init__(self) -> None:
        self._last: deque[int] = deque(maxlen=REMEMBERED)
        self._former: deque[int] = deque(maxlen=REMEMBERED)  # the last lines of the file before this one
        self._first = 0  # line of the file, where that was read from its beginning
        self._tail = 0  # lines asked for; 0: all
        self._searching = False
        self._first_comes = False
        self._received: deque[int] = deque(maxlen=REMEMBERED + 1)
        self._count = 0
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._head: tuple[int, ...] = ()  # the first lines of this answer
        self._former_head: tuple[int, ...] = ()  # of the answer before, where the place was not in it
        self.missed = False  # the place is further back: ask again, for more

    @property
    def known(self) -> bool:
        """Whether any line was printed."""
        return bool(self._last)

    @property
    def holds(self) -> bool:
        """Whether lines are held back."""
        return self._searching and bool(self._held)

    def search(self, *, other_file: bool = False) -> int | None:
        """An answer is to come that begins before the place: how many last lines to ask for, None for all.

        `other_file`: of a new life of the container, whose lines are all new; but simulated nodes have one file for all
        lives, which begins with the same line.
        """
        self._tail = 0 if other_file else self._next_tail()
        self._start(searching=not other_file or bool(self._first))
        self._first_comes = other_file and not self._searching
        return self._tail or None

    def begin(self, *, whole: bool) -> None:
        """An answer is to come of which every line is new; `whole`: it begins where the log does."""
        self._start(searching=False)
        self._first_comes = whole

    def _next_tail(self) -> int:
        if not self.missed:
            return FIRST_TAIL
        return self._tail * WIDER if 0 < self._tail < WIDEST else 0

    def _start(self, *, searching: bool) -> None:
        self._former_head = self._head if self.missed else ()
        self._searching, self.missed = searching, False
        self._received.clear()
        self._held, self._held_bytes, self._count, self._head = [], 0, 0, ()

    def take(self, lines: list[bytes]) -> list[bytes]:
        """The new ones among the lines that came."""
        new: list[bytes] = []
        for at, line in enumerate(lines):
            if not self._searching:
                self._note(lines[at:])
                return new + lines[at:]
            new += self._look_at(line)
            if self.missed:
                return []
        return new

    def _look_at(self, line: bytes) -> list[bytes]:
        """A line of an answer in which the place is looked for; those that are new by it."""
        mark = hash(line)
        self._head = (*self._head, mark) if self._count < HEAD else self._head
        self._count += 1
        self._received.append(mark)
        if self._is_place(mark):
            self._searching, self._held = False, []
            return []
        self._held.append(line)
        self._held_bytes += len(line)
        if self._is_elsewhere():
            return self.settle()
        self.missed = bool(self._tail) and self._count >= self._tail
        return []

    def _is_place(self, mark: int) -> bool:
        """Whether this line is the last that was printed, by all remembered lines before it, too."""
        return any(place and mark == place[-1] and self._matches(place) for place in (self._last, self._former))

    def _matches(self, place: deque[int]) -> bool:
        return len(self._received) >= len(place) and all(map(eq, reversed(self._received), reversed(place)))

    def _is_elsewhere(self) -> bool:
        """Whether the place cannot be in this answer: a file that begins otherwise, or all of one that was searched."""
        whole = not self._tail and not self._former_head
        other = whole and self._count == 1 and self._first not in (0, self._head[0])
        searched = self._count == HEAD and self._former_head == self._head
        return other or searched or self._held_bytes > BUFFER_BYTES

    def settle(self) -> list[bytes]:
        """The place is not in what came, and no more comes: what was held back is new, and of another file."""
        if not self._searching:
            return []
        held, self._held, self._searching = self._held, [], False
        held = held[self._overlap(held) :]
        if held:
            self._former, self._last = self._last, deque(maxlen=REMEMBERED)
            self._first = 0 if self._tail and not self._former_head else self._head[0]
            self._note(held)
        return held

    def _overlap(self, held: list[bytes]) -> int:
        """How many lines at the beginning of a file are the last ones printed; those before are in another file."""
        marks, last = [hash(line) for line in held[:REMEMBERED]], list(self._last)
        sizes = range(min(len(marks), len(last)), 0, -1)
        return next((size for size in sizes if marks[:size] == last[-size:]), 0)

    def _note(self, lines: list[bytes]) -> None:
        if lines and self._first_comes:
            self._first, self._first_comes = hash(lines[0]), False
        self._last.extend(hash(line) for line in lines[-REMEMBERED:])
