"""What `python -m bench` finds, keeps and prints."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

import pytest

from bench import __main__ as command
from bench import binaries, results, startup
from bench.cells import Cell, Reading, Setting, Store
from bench.cluster import Cluster
from bench.measure import Sample
from bench.targets import BARE, START_UP
from tests.bench.making import cell_with


class FakeCluster:
    """What is asked of a cluster here."""

    kubectl = Path("/bin/kubectl")


def test_a_program_that_is_not_to_be_had_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(binaries, "find_helm", lambda named: None)
    monkeypatch.setattr(binaries, "find_kapp", lambda named: named)
    options = argparse.Namespace(tools=["kubectl", "helm", "kapp"], helm=None, kapp=Path("/opt/kapp"))
    found = command.found_programs(options, cast(Cluster, FakeCluster()))
    assert found == {"kubectl": Path("/bin/kubectl"), "kapp": Path("/opt/kapp")}
    assert "helm is not to be had" in capsys.readouterr().err


@pytest.mark.parametrize("dry", [False, True])
def test_a_dry_run_keeps_nothing(dry: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results.write, "__defaults__", (tmp_path / "RESULTS.md",))
    store = Store(tmp_path / "cells")
    cell = cell_with(Setting("configmaps", 500, 0), ("mlstack", "first", [1.0]))
    store.cell(cell.setting).readings.extend(cell.readings)
    store.cell(cell.setting).runs.update(cell.runs)
    command.publish(argparse.Namespace(dry=dry), store, store.cell(cell.setting), ("Title", "text"))
    written = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert written == ([] if dry else ["RESULTS.md", "configmaps-500-0.json"])


def test_a_quick_run_is_kept_with_its_readings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def measured(program: Path, folder: Path, rounds: int, key: str, cell: Cell) -> None:
        cell.drop(lambda one: True)  # forgets runs without readings, too
        cell.readings = [Reading(BARE, "start", 0, key, Sample(0.02, 0.01, 10))]

    monkeypatch.setattr(startup, "run", measured)
    monkeypatch.setattr(command, "our_version", lambda: "0.1.0 commit abc")
    store = Store(None)
    command.run_startup(argparse.Namespace(rounds=1, dry=True), tmp_path, store)
    (run,) = store.cell(START_UP).runs.values()
    assert run.programs == {"mlstack": "0.1.0 commit abc"}
    assert run.time in capsys.readouterr().out
