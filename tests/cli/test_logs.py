"""logs: what its words become, and what its lines look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions import logs as logs_action
from mlstack.actions.events import LogLine
from mlstack.actions.init import init
from mlstack.actions.logtarget import LogOptions
from mlstack.cli import main
from mlstack.cli.logs import titled


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path / "a")
    file = tmp_path / "a/environments/gke.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("apiVersion: mlstack.dev/v1\nkind: Environment\nid: gke\nplatform: gke\ncontext: gke\n")
    monkeypatch.chdir(tmp_path / "a")


LINE = LogLine("cnn-worker-3", "tensorflow", "hello é", True, "worker-3", "worker", 3, "2026-11-23T12:00:00Z")


@pytest.mark.parametrize(
    ("several", "words", "expected"),
    [(False, (), "hello é\n"), (True, (), "[worker-3] hello é\n"), (True, ("-o", "json"), "")],
)
def test_lines(
    app: None,
    several: bool,
    words: tuple[str, ...],
    expected: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def logs(scope: Any, target: str, on_lines: Any, on_notice: Any, options: LogOptions) -> None:
        assert target == "cnn/worker-3"
        assert options == LogOptions(follow=True, tail=3, since_s=600, container="tensorflow")
        on_notice("Something is up.")
        on_lines([LogLine(**{**vars(LINE), "several": several})])
        raise KeyboardInterrupt  # the good end of following

    monkeypatch.setattr(logs_action, "logs", logs)
    given = ("-f", "--tail", "3", "--since", "10m", "--container", "tensorflow")
    assert main.run(["logs", "gke", "cnn/worker-3", *given, *words]) == 0
    out, err = capsys.readouterr()
    assert err == "Something is up.\n"
    if expected:
        assert out == expected
        return
    assert json.loads(out) == {
        "event": "log-line",
        "pod": "cnn-worker-3",
        "container": "tensorflow",
        "line": "hello é",
        "several": True,
        "title": "worker-3",
        "role": "worker",
        "index": 3,
        "time": "2026-11-23T12:00:00Z",
    }


def test_what_was_said_before_is_not_followed(app: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.run(["logs", "gke", "cnn", "-f", "--previous"]) == 2
    assert "cannot be followed" in capsys.readouterr().err


def test_colours_tell_who_speaks() -> None:
    text = titled(coloured=True)
    first, second, again = (text(LogLine("p", "c", "x", True, title)) for title in ("worker-0", "worker-1", "worker-0"))
    assert first == again == "\x1b[36m[worker-0]\x1b[0m x"
    assert second == "\x1b[32m[worker-1]\x1b[0m x"
