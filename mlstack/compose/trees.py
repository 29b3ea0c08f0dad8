"""Files of the user's own that a job carries along: as a ConfigMap holds them, and as a volume restores their tree."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

PROGRAMS = ("train.py", "main.py")
LONGEST_KEY = 253  # of a ConfigMap
EXECUTABLE = 0o755

# The API server and every YAML reader take these as they are; all else travels as base64.
_TEXT = re.compile(
    r"[\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*"
)


@dataclass(frozen=True)
class SourceFile:
    """A file's bytes, and whether it may be executed."""

    data: bytes
    executable: bool = False

    @cached_property
    def text(self) -> str | None:
        """The file as text; None where it is none that a ConfigMap's `data` could hold."""
        try:
            found = self.data.decode("utf-8")
        except UnicodeDecodeError:
            return None
        return found if _TEXT.fullmatch(found) else None

    @cached_property
    def carried(self) -> str:
        """What stands in a ConfigMap: the text, or base64 of the bytes."""
        return base64.b64encode(self.data).decode("ascii") if self.text is None else self.text


@dataclass(frozen=True)
class Tree:
    """The files, by their POSIX paths, of a folder that a parameter names; `said` is where and what it is."""

    said: str
    files: Mapping[str, SourceFile] = field(hash=False)

    @cached_property
    def digest(self) -> str:
        """10 hexadecimal digits over paths, contents and what may be executed."""
        total = hashlib.sha256()
        for path, file in sorted(self.files.items()):
            for part in (path.encode(), b"x" if file.executable else b"", file.data):
                total.update(len(part).to_bytes(8, "big"))
                total.update(part)
        return total.hexdigest()[:10]

    @property
    def programs(self) -> list[str]:
        """What a job may run where nobody says: train.py or main.py, else the Python files at the top."""
        usual = [name for name in PROGRAMS if name in self.files]
        return usual or sorted(path for path in self.files if path.endswith(".py") and "/" not in path)

    def context(self) -> dict[str, Any]:
        """What templates see: plain values."""
        files = sorted(self.files.items())
        return {
            "said": self.said,
            "digest": self.digest,
            "programs": self.programs,
            "data": {key_of(path): file.carried for path, file in files if file.text is not None},
            "binary": {key_of(path): file.carried for path, file in files if file.text is None},
            "items": [_item(path, file) for path, file in files],
        }


def key_of(path: str) -> str:
    """A ConfigMap's key for a path: itself where that is one, else readable and made unique by a hash."""
    plain = re.sub(r"[^-._a-zA-Z0-9]", "_", path)
    if plain == path and len(path) <= LONGEST_KEY:
        return path
    return f"{plain[-200:]}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"


def _item(path: str, file: SourceFile) -> dict[str, Any]:
    item: dict[str, Any] = {"key": key_of(path), "path": path}
    return {**item, "mode": EXECUTABLE} if file.executable else item
