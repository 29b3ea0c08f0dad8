"""Tables for people, documents for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mlstack.cli import output


def test_columns_are_as_wide_as_their_longest_cell_and_lines_end_without_blanks() -> None:
    text = output.table(("NAME", "NOTE"), [("a", None), ("longer", "x")])
    assert text == "NAME    NOTE\na\nlonger  x"


def test_on_a_terminal_the_last_column_is_wrapped_between_words() -> None:
    rows = [("cnn", "steps default -> 200, learning_rate 0.1 -> 0.05"), ("x", "short"), ("y", "w" * 40)]
    assert output.table(("run", "parameters"), rows, 37).splitlines() == [
        "run  parameters",
        "cnn  steps default -> 200,",
        "     learning_rate 0.1 -> 0.05",
        "x    short",
        f"y    {'w' * 40}",
    ]
    assert len(output.table(("run", "parameters"), rows).splitlines()) == 4  # a pipe gets a line a row


@pytest.mark.parametrize("form", ["json", "yaml", "text"])
def test_emit_prints_the_asked_form(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    value = {"b": "ü", "a": [1, None]}
    output.emit(value, form, lambda: "for people")
    shown = capsys.readouterr().out
    readers: dict[str, Callable[[str], Any]] = {"json": json.loads, "yaml": yaml.safe_load, "text": str.strip}
    assert readers[form](shown) == ("for people" if form == "text" else value)


def test_notes_go_beside_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    output.note("by the way")
    assert capsys.readouterr() == ("", "by the way\n")


def test_one_is_not_many() -> None:
    assert [output.counted(number, "object") for number in (0, 1, 2)] == ["0 objects", "1 object", "2 objects"]
