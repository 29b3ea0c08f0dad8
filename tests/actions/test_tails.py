from __future__ import annotations

from mlstack.actions.tails import CHARACTERS, in_one_line


def test_the_end_of_a_log_in_one_line() -> None:
    assert in_one_line("a\n\nb\n c \nd\n") == "b / c / d"
    assert in_one_line("") == ""
    long = in_one_line("x" * 1000 + "end")
    assert len(long) == CHARACTERS + 1
    assert long.endswith("end")
