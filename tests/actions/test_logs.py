from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.events import Event, LogLine, Notice
from mlstack.actions.logs import lines, one_at_a_time, sources_of


def pod(*statuses: dict[str, Any], **more: Any) -> dict[str, Any]:
    metadata = {"name": "p", "namespace": "n", "uid": "u"}
    return {"metadata": metadata, "status": {"containerStatuses": list(statuses), **more}}


def container(name: str, state: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "state": {state: {"startedAt": "T"} if state != "waiting" else {}}, **more}


@pytest.mark.parametrize(
    ("found", "names"),
    [
        (pod(), []),
        (pod(container("a", "waiting")), []),
        (pod(container("a", "running"), container("b", "terminated")), ["a", "b"]),
        (pod(container("a", "waiting", lastState={"terminated": {"startedAt": "T"}})), ["a"]),  # a crash loop
        (pod(container("a", "running"), initContainerStatuses=[container("i", "terminated")]), ["i", "a"]),
    ],
)
def test_containers_that_have_said_something(found: dict[str, Any], names: list[str]) -> None:
    assert [source.container for source in sources_of(found)] == names


def test_a_restarted_container_is_another_source() -> None:
    first = sources_of(pod(container("a", "running")))
    again = sources_of(pod({"name": "a", "state": {"running": {"startedAt": "later"}}}))
    assert first != again
    assert first == sources_of(pod(container("a", "terminated")))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], []),
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b\nc"], ["ab", "c"]),
        ([b"\xc3", b"\xa9\n", b"\xff\n"], ["é", "\ufffd"]),
        ([b"a\n\nb\n"], ["a", "", "b"]),
    ],
)
def test_lines_that_come_in_parts(parts: list[bytes], expected: list[str]) -> None:
    assert list(lines(iter(parts))) == expected


def test_one_at_a_time_passes_on_what_came() -> None:
    heard: list[Event] = []
    tell = one_at_a_time(heard.append)
    told: list[Event] = [LogLine("p", "c", "x"), Notice("y")]
    for event in told:
        tell(event)
    assert heard == told
