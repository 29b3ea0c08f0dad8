"""The lines that say where and what was measured."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import pytest

from bench import machine


def test_machine_line_names_no_machine() -> None:
    line = machine.machine_line()
    assert re.search(r", \d+ cores, \d+ GiB; ", line)
    assert line.endswith(f"; Python {platform.python_version()}")
    assert platform.node() not in line


def test_now_is_in_utc() -> None:
    assert re.fullmatch(r"20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC", machine.now())


def test_the_commit_is_the_last_that_changed_what_is_measured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def git(*words: str) -> None:
        named = ("-c", "user.name=a", "-c", "user.email=a@example.com")
        subprocess.run(["git", *named, *words], cwd=tmp_path, check=True, capture_output=True)

    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    git("init", "-q")
    found: list[str] = []
    for name in ("mlstack", "docs", "mlstack"):
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / str(len(found))).touch()
        git("add", name)
        git("commit", "-q", "-m", name)
        found.append(machine.commit())
    assert found[0] == found[1] != found[2]
    assert re.fullmatch("commit [0-9a-f]+", found[2])
    (tmp_path / "mlstack" / "new").touch()
    assert machine.commit() == f"{found[2]} with uncommitted changes"


def test_commit_outside_of_git(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(machine, "_ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert machine.commit() == ""
