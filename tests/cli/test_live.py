"""A view that goes on until Ctrl-C."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from mlstack.cli.live import follow
from mlstack.cluster.failures import ForbiddenError, UnreachableError


def test_printed_whenever_it_changes(capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter(["one", "one", "two"])

    def look() -> str:
        found = next(answers, None)
        if found is None:
            raise KeyboardInterrupt
        return found

    with pytest.raises(KeyboardInterrupt):
        follow(look, 0, redrawn=False)
    assert capsys.readouterr().out == "one\ntwo\n"


@pytest.mark.parametrize("redrawn", [False, True])
def test_a_cluster_that_is_away_for_a_while(capsys: pytest.CaptureFixture[str], redrawn: bool) -> None:
    steps: Iterator[str | BaseException] = iter(["one", UnreachableError("no route"), "two", KeyboardInterrupt()])

    def look() -> str:
        step = next(steps)
        if isinstance(step, BaseException):
            raise step
        return step

    with pytest.raises(KeyboardInterrupt):
        follow(look, 0, redrawn=redrawn)
    out = capsys.readouterr().out
    assert "two" in out
    assert redrawn or out == "one\nCannot be read now: no route\ntwo\n"


def test_a_program_reads_what_it_can_parse(capsys: pytest.CaptureFixture[str]) -> None:
    steps: Iterator[BaseException] = iter([UnreachableError("no route"), KeyboardInterrupt()])

    def look() -> str:
        raise next(steps)

    with pytest.raises(KeyboardInterrupt):
        follow(look, 0, redrawn=False, problem=lambda error: json.dumps({"problem": error.message}))
    assert capsys.readouterr().out == '{"problem": "no route"}\n'


def test_what_will_not_pass_ends_it() -> None:
    def look() -> str:
        raise ForbiddenError("pods may not be listed")

    with pytest.raises(ForbiddenError):
        follow(look, 0, redrawn=False)
