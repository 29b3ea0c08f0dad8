"""Words of other tools are answered with what to type instead."""

from __future__ import annotations

import pytest

from mlstack.cli.groups import INSTEAD
from mlstack.cli.main import run


@pytest.mark.parametrize("typed", INSTEAD)
def test_a_former_word_names_what_to_type(typed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(typed.split()) == 2
    assert f"There is no command {typed}. {INSTEAD[typed]}" in capsys.readouterr().err


@pytest.mark.parametrize(("typed", "near"), [("aply", "apply"), ("env ad x", "add"), ("param sett a b c", "set")])
def test_the_nearest_name(typed: str, near: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(typed.split()) == 2
    assert f"Did you mean {near}?" in capsys.readouterr().err


def test_verbose_may_stand_anywhere(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mlstack.wording.print_whole", lambda: None)
    for words in (["-v", "sandbox", "list"], ["sandbox", "list", "-v"], ["sandbox", "--verbose", "list"]):
        assert run(words) == 0
        assert capsys.readouterr().out
