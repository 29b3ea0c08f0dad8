"""The lines of a log out of the bytes that bring it: whole, bounded, and each of them once."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

LIMIT_BYTES = 1 << 20
CUT = b" ... (cut: the line is longer than 1 MiB)"
_SECOND = len("2026-11-23T07:18:31")
_ZONE = b"Z+-"


class Lines:
    """Whole lines out of a text that comes in parts. A line of any length takes a bounded place in memory."""

    def __init__(self) -> None:
        self._rest = b""
        self._skipping = False

    def add(self, part: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends."""
        *whole, self._rest = (self._rest + part).split(b"\n")
        if whole and self._skipping:
            del whole[0]
            self._skipping = False
        if self._skipping:
            self._rest = b""
        elif len(self._rest) > LIMIT_BYTES:
            whole.append(self._rest)
            self._rest, self._skipping = b"", True
        return [line if len(line) <= LIMIT_BYTES else line[:LIMIT_BYTES] + CUT for line in whole]

    def end(self) -> list[bytes]:
        """The last line, if it has no end; nothing is left after this."""
        rest, self._rest, self._skipping = self._rest, b"", False
        return [rest] if rest else []


def parted(line: bytes) -> tuple[bytes, bytes]:
    """The time that a kubelet puts before a line, and its text. What has no time is text."""
    time, space, text = line.partition(b" ")
    if space and len(time) > _SECOND and time[:4].isdigit() and time[10:11] == b"T":
        return time, text
    return b"", line


class Seen:
    """Which lines of a log were told already, so that it can be asked for again from a little before its break.

    It remembers the lines of the last seconds, by what they are and not by their order: two streams of one container
    are stamped side by side, and clocks are set back.
    """

    SECONDS = 4

    def __init__(self) -> None:
        self._recent: dict[bytes, list[int]] = {}
        self._again: dict[bytes, Counter[int]] = {}
        self._first = b""
        self._last = b""

    def since(self) -> str:
        """From when on to ask again: a second before the last line; "" if there was none yet."""
        if not self._last:
            return ""
        tail = self._last[_SECOND:]
        at = max(tail.rfind(_ZONE[i : i + 1]) for i in range(3))
        zone = tail[at:].decode() if at >= 0 else "Z"
        before = datetime.fromisoformat(self._last[:_SECOND].decode()) - timedelta(seconds=1)
        return f"{before.isoformat()}{zone}"

    def repeat(self) -> None:
        """From here on, lines come that may have been told."""
        self._again = {second: Counter(lines) for second, lines in self._recent.items()}

    def is_new(self, line: bytes, time: bytes) -> bool:
        """Whether a line was not told yet; it is from now on. What has no time is always new."""
        if not time:
            return True
        second, mark = time[:_SECOND], hash(line)
        if self._again and self._repeated(second, mark, time):
            return False
        if second not in self._recent:
            self._again = {}  # past all that was told
            self._recent[second] = []
            if len(self._recent) > self.SECONDS:
                del self._recent[next(iter(self._recent))]
        self._recent[second].append(mark)
        self._first = self._first or time
        self._last = time
        return True

    def _repeated(self, second: bytes, mark: int, time: bytes) -> bool:
        left = self._again.get(second)
        if left and left[mark] > 0:
            left[mark] -= 1
            return True
        return time < self._first  # before what was asked for at first (--tail, --since)
