"""Cells made for tests."""

from __future__ import annotations

from bench.cells import Cell, Reading, Run, Setting
from bench.measure import Sample
from bench.requests import Requests


def cell_with(setting: Setting, *rows: tuple[str, str, list[float]], run: str = "today") -> Cell:
    """A cell of one run: for each tool and case the seconds of its rounds. Each asked for 3 reads and 500 writes."""
    readings = [
        Reading(tool, case, number, run, Sample(seconds, seconds / 2, 40 + seconds), Requests(3, 500))
        for tool, case, series in rows
        for number, seconds in enumerate(series)
    ]
    versions = {"mlstack": "0.1.0 commit abc", "helm": "v4", "floor": ""}
    return Cell(setting, {run: Run(run, "8 cores", versions, (0.2, 1.26))}, readings)
