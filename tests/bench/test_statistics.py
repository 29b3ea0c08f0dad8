"""What is made of a series of measurements."""

from __future__ import annotations

import pytest

from bench.statistics import Summary, paired_ratio, summary


def test_summary() -> None:
    assert summary([3.0, 1.0, 2.0, 10.0]) == Summary(minimum=1.0, median=2.5, count=4)


@pytest.mark.parametrize(
    ("values", "base", "ratio"),
    [
        ([2.0, 4.0, 6.0], [1.0, 2.0, 3.0], 2.0),
        # One round met a busy moment, in which both took ten times as long: the ratio does not move.
        ([2.0, 40.0, 6.0], [1.0, 20.0, 3.0], 2.0),
        # A spike in one of three rounds hit one side only: the median leaves it out.
        ([2.0, 90.0, 6.0], [1.0, 2.0, 3.0], 2.0),
        ([2.0], [1.0, 5.0], 2.0),
    ],
)
def test_paired_ratio(values: list[float], base: list[float], ratio: float) -> None:
    assert paired_ratio(values, base) == ratio
