"""The page that is made of the cells."""

from __future__ import annotations

from pathlib import Path

from bench.cells import Setting, Store
from bench.results import page, rounds_section, several_runs, show_section, start_up_section, write
from bench.targets import BARE, START_UP
from tests.bench.making import cell_with

SETTING = Setting("configmaps", 500, 20)


def rows(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[part.strip() for part in line.strip("|").split("|")] for line in lines[2:]]


def test_one_row_per_case_and_tool_ours_first() -> None:
    given = cell_with(
        SETTING,
        ("kubectl", "first", [4.0, 6.0]),
        ("mlstack", "first", [1.0, 2.0]),
        ("kubectl", "diff", [5.0]),
    )
    title, text = rounds_section(given)
    assert title == "500 ConfigMaps, round trip 20 ms"
    assert rows(text) == [
        ["first apply", "mlstack", "1.00", "1.50", "1.0×", "2", "3", "500", "1.00", "42"],
        ["first apply", "kubectl", "4.00", "5.00", "3.5×", "2", "3", "500", "3.00", "46"],
        ["diff, nothing changed", "kubectl", "5.00", "5.00", "", "1", "3", "500", "2.50", "45"],
    ]


def test_each_run_has_a_line() -> None:
    given = cell_with(SETTING, ("mlstack", "first", [1.0]), ("floor", "first", [1.0]), run="monday")
    later = cell_with(SETTING, ("helm", "first", [1.0]), run="tuesday")
    given.readings += later.readings
    given.runs |= later.runs
    assert rounds_section(given)[1].splitlines()[:2] == [
        "monday; 8 cores; mlstack 0.1.0 commit abc, floor; load before the rounds 0.2 to 1.3  ",
        "tuesday; 8 cores; helm v4; load before the rounds 0.2 to 1.3",
    ]
    [warning] = several_runs([given, later])
    assert warning.endswith("in: 500 ConfigMaps, round trip 20 ms.")
    assert several_runs([later]) == []


def test_notes_stand_below_the_table() -> None:
    given = cell_with(Setting("mixed", 5000, 0), ("mlstack", "first", [1.0]))
    given.notes.append("Left out.")
    title, text = rounds_section(given)
    assert title == "5,000 objects of many kinds, round trip 0 ms"
    assert text.endswith("|\n\nLeft out.")


def filled(room: Path) -> Store:
    store = Store(room)
    for given in (
        cell_with(SETTING, ("mlstack", "first", [1.0])),
        cell_with(START_UP, (BARE, "start", [0.02, 0.02]), ("mlstack --help", "start", [0.1, 0.2])),
        cell_with(Setting("show", 2000, 0), ("helm", "show", [2.0]), ("mlstack", "show", [1.0])),
        cell_with(Setting("show", 10, 0), ("mlstack", "show", [1.0])),
    ):
        store.keep(given)
    return Store(room)


def test_start_up_and_show(tmp_path: Path) -> None:
    store = filled(tmp_path)
    assert rows(start_up_section(store)[1])[1] == ["`mlstack --help`", "0.10", "0.15", "7.5×", "2", "40"]
    assert [row[:5] for row in rows(show_section(store)[1])] == [
        ["10", "mlstack", "1.00", "1.00", "1.0×"],
        ["2,000", "mlstack", "1.00", "1.00", "1.0×"],
        ["2,000", "helm", "2.00", "2.00", "2.0×"],
    ]


def test_the_page_begins_with_the_targets(tmp_path: Path) -> None:
    text = page(filled(tmp_path))
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "# Results",
        "## Targets",
        "## Start-up",
        "## Show, offline, beside helm template",
        "## 500 ConfigMaps, round trip 20 ms",
    ]
    write(filled(tmp_path), tmp_path / "RESULTS.md")
    assert (tmp_path / "RESULTS.md").read_text() == text
    assert "\n\n\n" not in text


def test_a_page_without_cells(tmp_path: Path) -> None:
    assert [line for line in page(Store(tmp_path)).splitlines() if line.startswith("#")] == ["# Results", "## Targets"]
