"""The local port of the last time."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlstack.actions.localports import last_port, remember_port


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_the_last_port_comes_back() -> None:
    assert last_port("app", "gke", "tf-hub", 8100) == 8100
    remember_port("app", "gke", "tf-hub", 8103)
    remember_port("app", "gke", "board", 6006)
    assert last_port("app", "gke", "tf-hub", 8100) == 8103
    assert last_port("app", "minikube", "tf-hub", 8100) == 8100
    remember_port("app", "gke", "tf-hub", 8100)
    assert last_port("app", "gke", "tf-hub", 1) == 8100


@pytest.mark.parametrize("text", ["", "[]", "{", '{"app/gke/x": "8100"}', '{"app/gke/x": 70000}'])
def test_a_file_that_is_none_is_no_reason_to_fail(folder: Path, text: str) -> None:
    folder.mkdir()
    (folder / "ports.json").write_text(text)
    assert last_port("app", "gke", "x", 5) == 5
    remember_port("app", "gke", "x", 6)
    assert last_port("app", "gke", "x", 5) == 6


def test_a_folder_that_cannot_be_is_no_reason_to_fail(folder: Path) -> None:
    folder.write_text("a file where the folder should be")
    remember_port("app", "gke", "x", 6)
    assert last_port("app", "gke", "x", 5) == 5


def test_only_the_latest_are_kept() -> None:
    for number in range(220):
        remember_port("app", "gke", str(number), 1000 + number)
    assert last_port("app", "gke", "0", 5) == 5
    assert last_port("app", "gke", "219", 5) == 1219
