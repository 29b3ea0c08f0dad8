from __future__ import annotations

import pytest

from mlstack.cli.plot import NAMED, chosen, plot


def test_of_many_workers_the_fastest_the_slowest_and_the_sum() -> None:
    few = {f"worker-{index}": [(0.0, 1.0)] for index in range(NAMED)}
    assert chosen(few) == few
    many = {f"worker-{index}": [(0.0, float(index)), (1.0, index + 1.0)] for index in range(60)}
    many["sum"] = [(0.0, 99.0)]
    assert chosen(many) == {
        "fastest (worker-59)": many["worker-59"],
        "slowest (worker-0)": many["worker-0"],
        "sum": many["sum"],
    }


@pytest.mark.parametrize("points", [[(0.0, 5.0)], [(0.0, 0.0), (1.0, 0.0)], [(0.0, 1e9), (1e6, 2e9)]])
def test_whatever_was_measured_can_be_drawn(points: list[tuple[float, float]]) -> None:
    text = plot("a <b> & c", {"worker-0": points})
    assert "a &lt;b&gt; &amp; c" in text
    assert text.count("<path") == 1
