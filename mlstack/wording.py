"""Words that every room uses alike."""

from __future__ import annotations


def counted(number: int, word: str) -> str:
    """1 object, 2 objects."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
