"""Folders, names, locks and atomic files."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError
from mlstack.sandbox import home


@pytest.mark.parametrize("name", ["a", "gke", "my-2nd", "x" * 40])
def test_names_that_will_do(name: str) -> None:
    assert home.home(name).folder == home.sandboxes_folder() / name


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a.b", "../a", "a/b", "x" * 41, "a\n"])
def test_names_that_will_not(name: str) -> None:
    with pytest.raises(MlstackError, match="can't name a sandbox"):
        home.home(name)


def test_the_cache_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "x"))
    assert home.binaries_folder().is_relative_to(tmp_path / "x")
    monkeypatch.delenv("MLSTACK_CACHE_DIR")
    assert cache_folder().name == "mlstack"


def test_one_lock_at_a_time(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with home.locked(lock, "busy now"), pytest.raises(MlstackError, match="busy now"), home.locked(lock, "busy now"):
        pass
    with home.locked(lock, "busy now"):
        pass


def test_a_lock_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(MlstackError, match="file can't be written"), home.locked(tmp_path / "file/lock", "busy now"):
        pass


def test_a_dead_holder_holds_nothing(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    code = "import fcntl, os, sys; f = open(sys.argv[1], 'a'); fcntl.flock(f, fcntl.LOCK_EX); os._exit(9)"
    subprocess.run([sys.executable, "-c", code, str(lock)], check=False)
    with home.locked(lock, "busy now"):
        pass


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    home.write_atomically(file, "one")
    home.write_atomically(file, "two", 0o644)
    assert file.read_text() == "two"
    assert file.stat().st_mode & 0o777 == 0o644
    with pytest.raises(UnicodeEncodeError):
        home.write_atomically(file, "\ud800")
    assert [entry.name for entry in file.parent.iterdir()] == ["file"]
    assert file.read_text() == "two"


@pytest.mark.parametrize("text", ["", "{", "[1]", '"a"'])
def test_unfinished_json_is_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "f").write_text(text)
    assert home.read_json(tmp_path / "f") == {}
    assert home.read_json(tmp_path / "none") == {}
