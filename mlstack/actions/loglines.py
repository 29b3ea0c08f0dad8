"""The lines of a log out of the bytes that bring it: whole and bounded."""

from __future__ import annotations

LIMIT_BYTES = 1 << 20
CUT = b" ... (cut: the line is longer than 1 MiB)"
_SECOND = len("2026-11-23T07:18:31")


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
