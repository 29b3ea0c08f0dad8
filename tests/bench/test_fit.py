"""`tune` on a large cluster, beside its LISTs."""

from __future__ import annotations

from pathlib import Path

from bench import fit
from bench.cells import Cell, Reading, Setting
from bench.measure import Command, Sample
from bench.results import fit_section


def _reading(tool: str, seconds: float) -> Reading:
    return Reading(tool, fit.CASE, 0, "run", Sample(seconds, 1, 100))


def test_commands(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/told\n')
    program.chmod(0o755)
    found = fit.commands(program, Path("/kubeconfig"), tmp_path)
    assert found["mlstack"].words == (str(program), "tune", "gke", "cnn")
    assert found["mlstack"].folder == tmp_path / "app"
    assert found[fit.LISTS].words[1:] == ("-m", "bench.lists", "/kubeconfig", "large", "team-0")
    assert "env add gke --context large --platform gke" in (tmp_path / "told").read_text()


def test_readings_and_what_is_beyond_the_lists() -> None:
    cell = Cell(Setting("fit", 10, 0), readings=[_reading("mlstack", 9)])
    fit.run({name: Command(("/bin/sh", "-c", ":")) for name in ("mlstack", fit.LISTS)}, 2, "new", cell)
    assert [(one.tool, one.round, one.run) for one in cell.readings] == [
        ("mlstack", 0, "new"),
        (fit.LISTS, 0, "new"),
        (fit.LISTS, 1, "new"),
        ("mlstack", 1, "new"),
    ]
    cell.readings = [_reading("mlstack", 7), _reading(fit.LISTS, 5)]
    assert fit.beyond(cell) == 2
    assert fit.beyond(Cell(Setting("fit", 10, 0))) is None


def test_section() -> None:
    cell = Cell(Setting("fit", 10, 0), readings=[])
    title, body = fit_section(cell)
    assert title == "tune, 10 nodes with 100 pods"
    assert "peak MB" in body
