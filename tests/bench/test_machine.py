"""The lines that say where and what was measured."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import pytest

from bench import machine
from bench.tools import Tool


def test_machine_line_names_no_machine() -> None:
    line = machine.machine_line()
    assert re.search(r", \d+ cores, \d+ GiB; ", line)
    assert line.endswith(f"; Python {platform.python_version()}")
    assert platform.node() not in line


def test_run_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "commit", lambda: "commit abc")
    line = machine.run_line([Tool("helm", "v4", {}, {}, Path())], [0.44, 1.26, 0.2])
    assert line.endswith(" UTC; commit abc; helm v4; load before the rounds 0.2 to 1.3")
    assert machine.run_line([], []).endswith(" UTC; commit abc")


def test_commit_outside_of_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine.commit() == ""
