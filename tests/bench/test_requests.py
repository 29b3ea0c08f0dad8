"""Requests by the API server's audit log."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from bench.requests import AuditLog, Requests, counted

BEGIN = datetime.datetime(2026, 11, 23, 12, 0, 0, tzinfo=datetime.UTC)
END = BEGIN + datetime.timedelta(seconds=10)


def event(verb: str, name: str = "mlstack/0.1.0", second: int = 5, uri: str = "/api/v1/x", number: int = 0) -> str:
    """A line of an audit log."""
    said = {"userAgent": name} if name else {}
    when = f"2026-11-23T12:00:{second:02d}.000001Z"
    values = {"auditID": f"id-{number}", "verb": verb, "requestURI": uri, "requestReceivedTimestamp": when, **said}
    return json.dumps(values) + "\n"


def several(*events: str) -> list[str]:
    return [text.replace('"id-0"', f'"id-{number}"') for number, text in enumerate(events)]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (several(*map(event, ("get", "list", "watch"))), Requests(3, 0)),
        (several(*map(event, ("patch", "create", "update", "delete", "deletecollection"))), Requests(0, 5)),
        (several(event("get", uri="/openapi/v3"), event("get", uri="/api")), Requests(2, 0)),
        (several(event("patch", uri="/api/v1/x?dryRun=All&force=true")), Requests(1, 0)),
        (several(event("get", "kube-scheduler/v1"), event("get", "kwok/v0"), event("list", "")), Requests(0, 0)),
        (several(event("get", "kubectl/v1")), Requests(1, 0)),
        ([event("watch", number=7), event("watch", number=7, second=6)], Requests(1, 0)),
        (several(event("get", second=12)), Requests(0, 0)),
        ([event("get")[:-20]], Requests(0, 0)),
    ],
    ids=["reads", "writes", "discovery", "dry-run", "others", "kubectl", "twice", "too late", "half a line"],
)  # fmt: skip
def test_counted(lines: list[str], expected: Requests) -> None:
    assert counted(lines, BEGIN, END) == expected


def test_the_log_is_read_on_where_it_was_also_after_it_was_cut(tmp_path: Path) -> None:
    log, file = AuditLog(tmp_path), tmp_path / "audit.log"
    file.write_text("old\n")
    mark = log.mark()
    assert list(log.lines(mark)) == []
    with file.open("a") as text:
        text.write("new\n")
    assert list(log.lines(mark)) == ["new\n"]
    file.rename(tmp_path / "audit-2026.log")
    file.write_text("newer\n")
    assert list(log.lines(mark)) == ["new\n", "newer\n"]
