"""Tables and figures as they are printed."""

from __future__ import annotations

import pytest

from bench.table import seconds, table, times


def test_table() -> None:
    assert table(["case", "tool", "s"], [["first", "kubectl", "3.7"], ["no change", "helm", "12"]], texts=2) == (
        "| case      | tool    |   s |\n"
        "| --------- | ------- | --: |\n"
        "| first     | kubectl | 3.7 |\n"
        "| no change | helm    |  12 |"
    )


def test_table_without_rows() -> None:
    assert table(["case", "s"], []) == "| case |  s |\n| ---- | -: |"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0071, "0.007"), (0.094, "0.094"), (0.594, "0.59"), (5.26, "5.26"), (53.4, "53")]
)
def test_seconds(value: float, text: str) -> None:
    assert seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.85, "0.85×"), (2.34, "2.3×"), (53.4, "53×")])
def test_times(value: float, text: str) -> None:
    assert times(value) == text
