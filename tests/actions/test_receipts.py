from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlstack.actions.receipts import git_commit, who


def git(root: Path, *words: str) -> str:
    identity = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", "-C", str(root), *identity, *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_commit_and_whether_the_apps_files_differ(tmp_path: Path) -> None:
    app = tmp_path / "app"
    app.mkdir()
    assert git_commit(app) == ("", False)  # not in git
    git(tmp_path, "init", "-q")
    (app / "mlstack.yaml").write_text("a")
    assert git_commit(app) == ("", True)  # no commit yet
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "a")
    commit = git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "elsewhere").write_text("not the app's")
    assert git_commit(app) == (commit, False)
    (app / "mlstack.yaml").write_text("b")
    assert git_commit(app) == (commit, True)


def test_without_git_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert git_commit(tmp_path) == ("", False)


def test_who_is_a_person_on_a_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ann")
    monkeypatch.setattr("socket.gethostname", lambda: "box")
    assert who() == "ann@box"

    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert who() == "unknown@box"
