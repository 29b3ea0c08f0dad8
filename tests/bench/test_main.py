"""The options of `python -m bench`."""

from __future__ import annotations

import pytest

from bench import __main__ as command
from bench.__main__ import arguments, log_file, title
from bench.rounds import Block


def test_defaults() -> None:
    given = arguments([])
    assert (given.names, given.objects, given.rtt, given.rounds) == (["startup", "apply"], [500], [0, 20], 3)


def test_lists_and_full() -> None:
    assert arguments(["apply", "--objects", "50,500", "--rtt", "0"]).objects == [50, 500]
    assert arguments(["--full"]).rtt == [0, 20, 100]


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        arguments(["aply"])
    assert "there are startup, apply" in capsys.readouterr().err


def test_a_log_belongs_to_a_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    names = []
    for commit in ("commit abc", "commit abc with uncommitted changes", ""):
        monkeypatch.setattr(command, "commit", lambda commit=commit: commit)
        names.append(log_file().name)
    assert names == [
        "cells-commit-abc.jsonl",
        "cells-commit-abc-with-uncommitted-changes.jsonl",
        "cells-without-commit.jsonl",
    ]


def test_title() -> None:
    assert title(Block(500, 20, 1, ())) == "500 ConfigMaps, round trip 20 ms"
