"""run: what its words become."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlstack.actions import runs as runs_action
from mlstack.actions.init import init
from mlstack.cli import main
from mlstack.errors import WorkloadFailedError


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    init(tmp_path / "a")
    file = tmp_path / "a/environments/gke.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text("apiVersion: mlstack.dev/v1\nkind: Environment\nid: gke\nplatform: gke\ncontext: gke\n")
    monkeypatch.chdir(tmp_path / "a")


@pytest.mark.parametrize(
    ("words", "wait", "timeout", "allowed"),
    [
        ((), "ready", 600, False),
        (("--follow",), "ready", 86400, False),
        (("--follow", "--timeout", "5m"), "ready", 300, False),
        (("--timeout", "0"), "ready", 0, False),
        (("--no-wait", "--allow-disruption"), "none", 600, True),
    ],
)
def test_options(
    app: None,
    words: tuple[str, ...],
    wait: str,
    timeout: float,
    allowed: bool,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: dict[str, Any] = {}

    def run(scope: Any, component: str, **given: Any) -> runs_action.RunOutcome:
        asked.update(given, scope=scope, component=component)
        return runs_action.RunOutcome((), given["follow"], 2.0)

    monkeypatch.setattr(runs_action, "run", run)
    assert main.run(["run", "gke", "cnn", "--set", "steps=7", *words]) == 0
    options = asked["options"]
    assert (asked["component"], asked["scope"].sets) == ("cnn", ("steps=7",))
    assert (options.wait, options.timeout_s, options.allow.disruption) == (wait, timeout, allowed)
    assert capsys.readouterr().out == f"cnn {'succeeded' if asked['follow'] else 'started'} in gke (2 s)\n"


def test_a_failed_run_ends_with_4(app: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*_: Any, **given: Any) -> None:
        raise WorkloadFailedError("Job/train failed: no data")

    monkeypatch.setattr(runs_action, "run", run)
    assert main.run(["run", "gke", "cnn", "--follow"]) == 4
