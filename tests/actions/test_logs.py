from __future__ import annotations

import pytest

from mlstack.actions.events import Event, LogLine, Notice
from mlstack.actions.following import one_at_a_time
from mlstack.actions.logreader import Source
from mlstack.actions.logtarget import LogOptions, LogTarget
from mlstack.plan.roles import Role


def test_one_at_a_time_passes_on_what_came() -> None:
    heard: list[Event] = []
    tell = one_at_a_time(heard.append)
    told: list[Event] = [LogLine("p", "c", "x"), Notice("y")]
    for event in told:
        tell(event)
    assert heard == told


@pytest.mark.parametrize(
    ("wanted", "container", "expected"),
    [
        ("", "", ["chief", "worker-0", "worker-0/side", "worker-1"]),
        ("worker", "", ["worker-0", "worker-0/side", "worker-1"]),
        ("worker-1", "", ["worker-1"]),
        ("cnn-chief-0", "", ["chief"]),
        ("", "side", ["worker-0/side"]),
        ("worker-1", "side", []),
    ],
)
def test_who_is_meant(wanted: str, container: str, expected: list[str]) -> None:
    sources = [
        Source("n", "cnn-chief-0", "u", "main", Role("chief", 0), "chief"),
        Source("n", "cnn-worker-0", "u", "main", Role("worker", 0), "worker-0"),
        Source("n", "cnn-worker-0", "u", "side", Role("worker", 0), "worker-0/side"),
        Source("n", "cnn-worker-1", "u", "main", Role("worker", 1), "worker-1"),
    ]
    target = LogTarget("cnn", wanted, LogOptions(container=container))
    assert [source.title for source in sources if target.chosen(source)] == expected
