"""Environments under watch: what happens where one cannot be read, or a bug ends its thread."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import pytest

from mlstack.actions import watching
from mlstack.actions.session import Scope
from mlstack.actions.watching import View, watch_status
from mlstack.app.project import Project
from mlstack.errors import UnexpectedError

SCOPE = cast("Scope", SimpleNamespace(environment="gke", project=SimpleNamespace(root=None)))


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every look meets a bug."""

    def fails(*_: Any) -> Any:
        raise KeyError("a bug")

    monkeypatch.setattr(watching, "open_session", fails)
    monkeypatch.setattr(watching, "replace", lambda scope, **_: scope)
    monkeypatch.setattr(Project, "load", lambda *_: None)


@pytest.mark.usefixtures("broken")
def test_a_bug_in_the_only_environment_ends_the_view() -> None:
    with pytest.raises(UnexpectedError, match="Unexpected error while watching gke: KeyError: 'a bug'"):
        watch_status([SCOPE], lambda views: None, interval_s=0)


@pytest.mark.usefixtures("broken")
def test_a_bug_after_it_was_read_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    known = cast("Any", SimpleNamespace(status=lambda: None, lost=""))
    shown: list[View] = []
    over = threading.Event()

    def show(views: Sequence[View]) -> None:
        shown.extend(views)
        over.set()

    start = watching.Environment.start

    def read_before(self: watching.Environment) -> None:
        self._seen = known
        start(self)

    monkeypatch.setattr(watching.Environment, "start", read_before)
    watch_status([SCOPE], show, interval_s=0, over=over)
    assert [view.problem for view in shown] == ["Unexpected error while watching gke: KeyError: 'a bug'."]
