"""What many measurements say: minimum, median, and how one series compares with another of the same rounds."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Summary:
    """Of a series of times, in seconds."""

    minimum: float
    median: float
    count: int


def summary(values: Sequence[float]) -> Summary:
    """The summary of a series that is not empty."""
    return Summary(min(values), statistics.median(values), len(values))


def paired_ratio(values: Sequence[float], base: Sequence[float]) -> float:
    """How many times as long as `base`: the median of the rounds' own ratios, over the rounds that both have.

    Two runs of one round stand beside each other in time, so what else the machine did weighs on both of them.
    """
    return statistics.median(value / other for value, other in zip(values, base, strict=False))
