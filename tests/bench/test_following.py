"""What the bench of followed logs makes of a tool."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bench.cells import Cell
from bench.following import SETTING, Followed, cpu_s, examples, lines, peak_mb, report, running, wait
from bench.logfiles import Verdict, first_torn
from bench.measure import BenchError, Command, Sample
from bench.results import logs_section
from tests.bench.making import cell_with

GOOD, BAD = Verdict(30000, 0, 0, 0, 0), Verdict(29990, 12, 1, 1, 0)


def test_a_row_a_tool() -> None:
    series = [Followed(Sample(30.0, cpu, 35.0), 0.5, verdict) for cpu, verdict in ((1.2, GOOD), (1.5, GOOD), (3, BAD))]
    row = report({"mlstack": series}).splitlines()[-1]
    cells = [part.strip() for part in row.strip("|").split("|")]
    assert cells == ["mlstack", "5.0", "0.50", "35", "89,990", "12", "1", "1", "0", "3"]


def test_what_was_never_written_is_shown() -> None:
    sample = Sample(30.0, 1.0, 35.0)
    told = {"mlstack": [Followed(sample, 0.5, GOOD)], "kubectl": [Followed(sample, 0.5, BAD, "error: too many files")]}
    assert examples(told) == ["Torn of kubectl, for example: `error: too many files`"]
    assert first_torn("[worker-0] line 1 of worker-0: loss é " + "x" * 40 + "\nerror\n") == "error"
    assert first_torn("") == ""


def test_the_section_is_the_notes() -> None:
    made = cell_with(SETTING, ("mlstack", "follow", [30.0]))
    made.notes = ["| a |"]
    title, text = logs_section(made)
    assert title == "Logs of 60 workers followed, 1,000 lines a second"
    assert text.endswith("| a |")
    assert isinstance(made, Cell)


def test_a_command_that_runs_until_ctrl_c(tmp_path: Path) -> None:
    out = tmp_path / "out"
    busy = "import time\nwhile time.process_time() < 0.05: pass\n"  # the system counts in hundredths of a second
    program = f"{busy}print('here', flush=True)\ntry:\n  time.sleep(60)\nexcept KeyboardInterrupt:\n  print('bye')"
    with running(Command((sys.executable, "-c", program)), out) as process:
        wait(lambda: lines(out) == 1, 30, "its word")
        assert cpu_s(process.pid) > 0
        assert peak_mb(process.pid) > 1
    assert out.read_text() == "here\nbye\n"
    with pytest.raises(BenchError, match="waited 0 s for nothing"):
        wait(lambda: False, 0, "nothing")
    assert cpu_s(os.getpid()) > 0
