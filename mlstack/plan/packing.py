"""Long text as an object of at most 1 MiB can keep it: compressed where it is long, readable where it is not."""

from __future__ import annotations

import base64
import zlib

LONG = 100_000  # characters; a few thousand objects' digests
MARK = "zlib:"


def packed(text: str) -> str:
    """The text itself, or compressed and marked as such. The same text always gives the same."""
    return text if len(text) < LONG else MARK + base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def unpacked(text: str) -> str:
    """What was packed."""
    return zlib.decompress(base64.b64decode(text.removeprefix(MARK))).decode() if text.startswith(MARK) else text
