"""Words that every room uses alike."""

from __future__ import annotations

import textwrap


def counted(number: int, word: str) -> str:
    """1 object, 2 objects."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


_whole = False


def print_whole() -> None:
    """Shorten nothing from now on (`-v`)."""
    global _whole
    _whole = True


def shortened(message: str, limit: int = 200) -> str:
    """The first line of a message, ended at a sentence or a word where it is longer than `limit` characters."""
    if _whole:
        return message.strip()
    line = message.strip().partition("\n")[0].rstrip()
    if len(line) <= limit:
        return line
    head = line[: limit + 1]
    end = max(head.rfind(". "), head.rfind("; "))
    return line[: end + 1].rstrip(";") if end > limit // 2 else textwrap.shorten(line, limit, placeholder=" …")
