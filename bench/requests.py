"""How many requests a command made, by the API server's own count: the same measure for every tool."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

COUNTED = frozenset({"configmaps", "secrets", "namespaces"})
"""What the measured tools read and write, and an idle control plane's own programs do not. (Leases: these do.)"""

WRITES = frozenset({"APPLY", "PATCH", "POST", "PUT", "DELETE", "DELETECOLLECTION"})

_LINE = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
_LABEL = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True)
class Requests:
    """Reads (watches included) and writes (dry-runs are reads: they store nothing)."""

    reads: int
    writes: int


def counted(metrics: str) -> Counter[tuple[str, bool]]:
    """(resource, writes?) -> requests so far, from the text that /metrics answers."""
    found: Counter[tuple[str, bool]] = Counter()
    for line in _LINE.finditer(metrics):
        labels = dict(_LABEL.findall(line["labels"]))
        if labels.get("resource") in COUNTED:
            writes = labels.get("verb") in WRITES and not labels.get("dry_run")
            found[labels["resource"], writes] += int(float(line["count"]))
    return found


def between(before: Mapping[tuple[str, bool], int], after: Mapping[tuple[str, bool], int]) -> Requests:
    """What was asked between two counts."""
    change = {key: count - before.get(key, 0) for key, count in after.items()}
    return Requests(
        reads=sum(count for (_, writes), count in change.items() if not writes),
        writes=sum(count for (_, writes), count in change.items() if writes),
    )
