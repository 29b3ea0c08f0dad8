"""Cells: what is kept of each setting, and the ratios that it gives."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.cells import Cell, Reading, Run, Setting, Store, best
from bench.measure import Sample
from bench.requests import Requests

SETTING = Setting("configmaps", 500, 20)


def reading(tool: str, seconds: float, number: int = 0, run: str = "one", case: str = "first") -> Reading:
    return Reading(tool, case, number, run, Sample(seconds, 0.5, 40.0), Requests(1, 2))


def cell(*readings: Reading) -> Cell:
    runs = {one.run: Run(one.run, "machine", {"mlstack": one.run}, (0.1, 2.0)) for one in readings}
    return Cell(SETTING, runs, list(readings))


def test_a_store_gives_back_what_it_kept(tmp_path: Path) -> None:
    kept = cell(reading("mlstack", 1.0), reading("helm", 9.5, 1, "two"))
    kept.notes.append("A sentence.")
    Store(tmp_path / "cells").keep(kept)
    assert [path.name for path in (tmp_path / "cells").iterdir()] == ["configmaps-500-20.json"]
    again = Store(tmp_path / "cells")
    assert again.cell(SETTING) == kept
    assert again.all() == [kept]


def test_a_line_for_each_reading(tmp_path: Path) -> None:
    Store(tmp_path).keep(cell(reading("mlstack", 1.0), reading("helm", 9.5)))
    text = (tmp_path / "configmaps-500-20.json").read_text()
    assert [line.count('"sample"') for line in text.splitlines() if "sample" in line] == [1, 1]


def test_memory_only(tmp_path: Path) -> None:
    store = Store(None)
    store.keep(cell(reading("mlstack", 1.0)))
    assert store.all() == []
    assert store.cell(SETTING).readings == []


def test_all_are_in_order_and_without_the_empty(tmp_path: Path) -> None:
    for count in (5000, 50):
        Store(tmp_path).keep(dataclasses.replace(cell(reading("mlstack", 1.0)), setting=Setting("mixed", count, 0)))
    store = Store(tmp_path)
    store.cell(SETTING)
    assert [one.setting.count for one in store.all()] == [50, 5000]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        # Each ratio is of one round: 4/1, 6/2, 30/10.
        ([(1.0, 4.0, "one", "one"), (2.0, 6.0, "one", "one"), (10.0, 30.0, "one", "one")], 3.0),
        # Only the round that both took part in.
        ([(1.0, None, "one", "one"), (50.0, 100.0, "one", "one"), (2.0, None, "one", "one")], 2.0),
        # Different runs: the medians, 12 and 2.
        ([(1.0, 12.0, "new", "old"), (2.0, 12.0, "new", "old"), (9.0, 30.0, "new", "old")], 6.0),
        ([(1.0, None, "one", "one")], None),
    ],
)
def test_ratio(readings: list[tuple[float, float | None, str, str]], expected: float | None) -> None:
    found = []
    for number, (ours, theirs, run, other) in enumerate(readings):
        found.append(reading("mlstack", ours, number, run))
        if theirs is not None:
            found.append(reading("helm", theirs, number, other))
    assert cell(*found).ratio("helm", "mlstack", "first") == expected


def test_seconds_are_the_median() -> None:
    found = cell(*(reading("mlstack", seconds, number) for number, seconds in enumerate([5.0, 1.0, 2.0])))
    assert found.seconds("mlstack", "first") == 2.0
    assert found.seconds("mlstack", "delete") is None


def test_a_run_goes_with_its_last_reading() -> None:
    found = cell(reading("mlstack", 1.0, run="old"), reading("mlstack", 1.0, 1, "new"))
    found.drop(lambda one: one.round == 0)
    assert set(found.runs) == {"new"}
    assert [found.program(one) for one in found.readings] == ["new"]


def test_best() -> None:
    assert best([3.0, None, 2.0]) == 2.0
    assert best([None]) is None
