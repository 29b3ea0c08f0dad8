"""How many requests a command made, by the API server's own audit log: all of them, discovery included, and its only.

Other programs of the control plane are told apart by the name that they give themselves.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:apiserver"]}
- {level: Metadata}
"""
"""What the API server is told to note: a line for each request, without its content."""

WRITES = frozenset({"patch", "create", "update", "delete", "deletecollection"})
OTHERS = ("kube-", "kwok")
"""How the names of the control plane's own programs begin; the sandbox's supervisor gives none."""


@dataclass(frozen=True)
class Requests:
    """Reads (watches included) and writes (dry-runs are reads: they store nothing)."""

    reads: int
    writes: int


@dataclass(frozen=True)
class Mark:
    """How far an audit log had come: the file that was written to, its size, and the time (UTC)."""

    inode: int
    size: int
    time: datetime.datetime


@dataclass(frozen=True)
class AuditLog:
    """The audit log in a folder: `audit.log`, and what was cut off from it when it had grown large."""

    folder: Path

    def mark(self) -> Mark:
        """Now."""
        state = (self.folder / "audit.log").stat()
        return Mark(state.st_ino, state.st_size, datetime.datetime.now(datetime.UTC))

    def lines(self, since: Mark) -> Iterator[str]:
        """What was written after a mark."""
        for file in sorted(self.folder.glob("audit*.log"), key=lambda file: file.stat().st_mtime):
            state = file.stat()
            if state.st_ino == since.inode or state.st_mtime > since.time.timestamp():
                with file.open(encoding="utf-8") as text:
                    text.seek(since.size if state.st_ino == since.inode else 0)
                    yield from text

    def between(self, begin: Mark, end: Mark) -> Requests:
        """What the measured command asked for between two marks."""
        return counted(self.lines(begin), begin.time, end.time)


def counted(lines: Iterable[str], begin: datetime.datetime, end: datetime.datetime) -> Requests:
    """The requests that arrived between two times. One that lasts, a watch, stands there twice by the same id."""
    found: dict[str, bool] = {}
    for line in lines:
        if line.endswith("\n") and _is_theirs(event := json.loads(line)) and begin <= _arrival(event) <= end:
            found[event["auditID"]] = _writes(event)
    writes = sum(found.values())
    return Requests(reads=len(found) - writes, writes=writes)


def _is_theirs(event: dict[str, Any]) -> bool:
    name = event.get("userAgent", "")
    return bool(name) and not name.startswith(OTHERS)


def _arrival(event: dict[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(event["requestReceivedTimestamp"])


def _writes(event: dict[str, Any]) -> bool:
    return event["verb"] in WRITES and "dryRun=" not in event["requestURI"]
