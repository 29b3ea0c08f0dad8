from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.app.lock import check_vendored, digest, read_lock, tree_digest
from mlstack.errors import MlstackError


def test_the_digest_sees_paths_and_bytes_and_no_order() -> None:
    files = [("a", b"1"), ("b/c", b"2")]
    assert digest(files) == digest(reversed(files))
    others = [[("a", b"1")], [("a", b"1"), ("b/c", b"3")], [("a", b"1"), ("b/d", b"2")], [("a", b"1b/c2")], []]
    assert len({digest(files), *map(digest, others)}) == 6


def test_a_folder_and_a_file_have_digests(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    assert tree_digest(tmp_path) == tree_digest(tmp_path / "a") == digest([("a", b"1")])


def test_an_app_without_a_lock_gets_one_when_it_is_saved(tmp_path: Path) -> None:
    lock = read_lock(tmp_path)
    assert not (tmp_path / "mlstack.lock").exists()
    lock.set(["packages", "demo/jobs", "digest"], "sha256:0")
    lock.save()
    assert read_lock(tmp_path).string("packages", "demo/jobs", "digest") == "sha256:0"


@pytest.mark.parametrize(
    ("stands", "locked", "sentence"),
    [
        (False, "", "vendor/x is missing, and this app uses it."),
        (True, "", "mlstack.lock says nothing of vendor/x."),
        (True, "sha256:0", "vendor/x was changed since it was vendored"),
    ],
)
def test_what_is_not_as_locked(tmp_path: Path, stands: bool, locked: str, sentence: str) -> None:
    lock = read_lock(tmp_path)
    if locked:
        lock.set(["packages", "x", "digest"], locked)
    if stands:
        (tmp_path / "x").write_bytes(b"")
    with pytest.raises(MlstackError) as caught:
        check_vendored(lock, "packages", "x", tmp_path / "x", "vendor/x", "mlstack pkg install x")
    assert caught.value.message.startswith(sentence)
    assert "mlstack pkg install x" in caught.value.hint
