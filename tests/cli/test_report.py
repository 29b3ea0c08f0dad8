"""Events as lines for people and as JSON lines."""

from __future__ import annotations

import json

import pytest

from mlstack.actions import events
from mlstack.cli.report import JsonLines, Lines, event_as_dict, reporter
from mlstack.compose.manifests import Key
from mlstack.plan.model import Action, Change, Plan

HUB = Key("apps", "StatefulSet", "default", "tf-hub")
PLAN = Plan("gke", "default", (Change(HUB, Action.CREATE, "core"), Change(HUB, Action.UNCHANGED)), ("Left alone: x.",))


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (events.Connected("gke", "gke", "https://1.2.3.4", "9d41aaaa-1", "default", True), ""),
        (events.Planned(PLAN), "  create 1   change 0   unchanged 1   prune 0\n  Left alone: x.\n"),
        (events.NothingToDo("gke", 31, 0.31), "gke: nothing to do (31 objects unchanged, 0.3 s)\n"),
        (events.Notice("Kept the claim db."), "  Kept the claim db.\n"),
        (events.Failed(HUB, "no"), "  failed StatefulSet/tf-hub: no\n"),
        (events.Removed(HUB), "  removed StatefulSet/tf-hub\n"),
        (events.Applied(HUB, "create", "core"), ""),
    ],
)
def test_lines(event: events.Event, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    Lines(live=False)(event)
    assert capsys.readouterr().out == line


def test_a_log_gets_one_line_per_change_of_state(capsys: pytest.CaptureFixture[str]) -> None:
    report = Lines(live=False)
    for ready, progress, reason in [
        (False, "0/1", "pulling image a"),
        (False, "0/1", "pulling image a"),
        (False, "0/1", "Insufficient gpu on 3 nodes"),
        (False, "0/1", "Insufficient gpu on 2 nodes"),
        (True, "1/1", ""),
    ]:
        report(events.Progress(HUB, ready, progress, reason))
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(None, 2)[1:] for line in lines] == [
        ["0/1", "pulling image a"],
        ["0/1", lines[1].split(None, 2)[2]],
    ]
    assert report.waiting == {}


def test_on_a_terminal_the_waiting_objects_are_redrawn_and_the_display_ends() -> None:
    report = Lines(live=True)
    report(events.Progress(HUB, False, "0/1", "pulling image"))
    assert report.live is not None
    report.close()
    report.close()  # once more does no harm
    assert not report.live


def test_json_lines_carry_the_same_facts(capsys: pytest.CaptureFixture[str]) -> None:
    report = JsonLines()
    report(events.StageDone("CRDs", 3, 0, 0.5, "established"))
    report(events.Planned(PLAN))
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    expected = {
        "event": "stage-done",
        "title": "CRDs",
        "applied": 3,
        "failed": 0,
        "seconds": 0.5,
        "note": "established",
    }
    assert first == expected
    assert second["counts"] == {"create": 1, "unchanged": 1}
    assert [change["name"] for change in second["changes"]] == ["tf-hub"]


def test_every_event_has_its_json_name() -> None:
    assert event_as_dict(events.NothingToDo("gke", 1, 0.1))["event"] == "nothing-to-do"


def test_the_reporter_follows_the_output_asked_for() -> None:
    assert isinstance(reporter("json"), JsonLines)
    assert isinstance(reporter("text"), Lines)
