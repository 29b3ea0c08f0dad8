"""One sandbox or all of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.actions import sandbox as actions
from mlstack.errors import MlstackError
from mlstack.sandbox.home import home
from mlstack.sandbox.state import Record


def _say(text: str) -> None:
    """Say nothing."""


@pytest.fixture(autouse=True)
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Record]:
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv("MLSTACK_SANDBOX_DIR", raising=False)
    return lambda name: Record(name, "gke", f"sandbox-{name}", str(tmp_path / "config"), "/b", "ready").save()


def test_down_all(make: Callable[[str], Record]) -> None:
    make("a")
    make("b")
    assert list(actions.down(None, every=True, progress=_say)) == ["a", "b"]
    assert actions.listing() == []
    assert list(actions.down(None, every=True, progress=_say)) == []


def test_down_one_of_two_must_be_said(make: Callable[[str], Record]) -> None:
    make("a")
    make("b")
    with pytest.raises(MlstackError, match="several sandboxes"):
        list(actions.down(None, every=False, progress=_say))
    with pytest.raises(MlstackError, match="either a or --all"):
        list(actions.down("a", every=True, progress=_say))
    assert list(actions.down("a", every=False, progress=_say)) == ["a"]
    assert home("b").folder.exists()


def test_status_of_one_that_does_not_answer(make: Callable[[str], Record]) -> None:
    make("a")
    found = actions.status(None)
    assert (found.nodes, found.as_dict()["ready"], found.as_dict()["simulated"]) == ((), False, True)
