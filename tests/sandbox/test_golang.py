"""Finding Go."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlstack.errors import MlstackError
from mlstack.sandbox import golang


@pytest.mark.parametrize(
    ("said", "version"),
    [("go version go1.26.8 linux/amd64", (1, 26)), ("go version go1.27rc1 x", (1, 27)), ("nonsense", (0, 0))],
)
def test_version(said: str, version: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    program = tmp_path / "go"
    program.write_text(f"#!/bin/sh\necho {said}\n")
    program.chmod(0o755)
    assert golang.version(program) == version
    assert golang.version(tmp_path / "none") == (0, 0)


def test_pip_that_fails_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failed(command: list[str], **rest: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "", "WARNING: x\nERROR: No matching distribution")

    monkeypatch.setattr(subprocess, "run", failed)
    with pytest.raises(MlstackError, match=r"needs Go 1\.26.*No matching distribution"):
        golang.install(tmp_path / "go")
    assert not (tmp_path / "go").exists()
