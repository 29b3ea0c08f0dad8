"""notebook and port-forward: what of them needs no cluster. tests/cluster forwards for real."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from mlstack.actions import events
from mlstack.cli import forward

Typed = Callable[..., Any]


class Forwarded(AbstractContextManager["Forwarded"]):
    """Stands for a forwarding that a person ends by Ctrl-C: no real one ends by itself."""

    addresses = ("127.0.0.1:8101",)
    address = "127.0.0.1:8101"
    closed = False

    def wait(self) -> None:
        raise KeyboardInterrupt

    def __exit__(self, *_: object) -> None:
        self.closed = True


def test_ctrl_c_is_the_good_end(capsys: pytest.CaptureFixture[str]) -> None:
    running = Forwarded()
    forward.serve(running, said="tf-hub-0 is ready:", scheme="http://")  # type: ignore[arg-type]  # it stands for one
    assert capsys.readouterr().out == "tf-hub-0 is ready: http://127.0.0.1:8101  (Ctrl-C ends)\n"
    assert running.closed


def test_the_browser_is_opened_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    forward.serve(Forwarded(), said="x", scheme="http://", browse=True)  # type: ignore[arg-type]  # it stands for one
    assert opened == ["http://127.0.0.1:8101"]


def test_what_happens_is_told_with_the_time(capsys: pytest.CaptureFixture[str]) -> None:
    forward.tell(events.Notice("tf-hub-0 restarted; forwarding again"))
    assert re.fullmatch(r"\d\d:\d\d:\d\d tf-hub-0 restarted; forwarding again\n", capsys.readouterr().out)


@pytest.mark.parametrize("words", [["notebook", "gke"], ["port-forward", "gke", "hub", "8100:80"]])
def test_a_silent_cluster_is_one_sentence(typed: Typed, sample: Any, words: list[str]) -> None:
    seen = typed(*words)
    assert (seen.code, "127.0.0.1:1" in seen.err) == (1, True)


def test_a_user_whom_no_hub_has(typed: Typed, sample: Any) -> None:
    seen = typed("notebook", "gke", "--user", "a/b")
    assert (seen.code, "must have a name without slashes" in seen.err) == (1, True)


def test_a_port_that_is_none(typed: Typed, sample: Any) -> None:
    assert typed("notebook", "gke", "--port", "99999").code == 2
