from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.atomic import write_atomic
from mlstack.errors import MlstackError


def test_folders_are_made_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a" / "b.txt", b"one")
    write_atomic(tmp_path / "a" / "b.txt", b"two")
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.txt"]
    assert (tmp_path / "a" / "b.txt").read_bytes() == b"two"


def test_the_umask_is_obeyed_for_a_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomic(tmp_path / "ours", b"")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_what_the_file_system_refuses_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(MlstackError, match="could not be written: "):
        write_atomic(tmp_path / "file" / "below", b"")
