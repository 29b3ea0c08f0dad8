"""Commands are run and measured; which figures come out is the machine's affair."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bench.measure import BenchError, Command, in_turns, measure, output_of, turned


def python(code: str, **fields: object) -> Command:
    return Command((sys.executable, "-c", code), **fields)  # type: ignore[arg-type]


def test_measures_the_memory_of_the_command_and_not_its_own() -> None:
    ballast = bytearray(200 * 2**20)  # in the process that measures
    small = measure(Command(("/bin/sh", "-c", ":")))
    large = measure(python("bytearray(100 * 2**20)"))
    assert len(ballast) > 100 * 2**20 > small.peak_mb
    assert small.peak_mb < 60 < 100 <= large.peak_mb < 200


def test_measures_the_children_too() -> None:
    large = "bytearray(100 * 2**20)"
    sample = measure(python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{large}'], check=True)"))
    assert sample.peak_mb >= 100


def test_runs_where_and_with_what_it_is_told(tmp_path: Path) -> None:
    code = "import os, pathlib; pathlib.Path('seen').write_text(os.environ['GREETING'])"
    measure(python(code, env={"GREETING": "hello"}, folder=tmp_path))
    assert (tmp_path / "seen").read_text() == "hello"


def test_a_failure_is_shown_with_what_the_command_said() -> None:
    with pytest.raises(BenchError, match="no such cluster"):
        measure(python("import sys; sys.exit('no such cluster')"))


def test_other_exit_codes_can_mean_success() -> None:
    measure(python("raise SystemExit(16)", good=frozenset({16})))
    with pytest.raises(BenchError):
        measure(python("pass", good=frozenset({16})))


def test_in_turns_alternates(tmp_path: Path) -> None:
    note = "open('order', 'a').write('{}')"
    commands = {name: python(note.format(name), folder=tmp_path) for name in "abc"}
    samples = in_turns(commands, 3)
    assert (tmp_path / "order").read_text() == "abc" + "bca" + "cab"
    assert {name: len(series) for name, series in samples.items()} == {"a": 3, "b": 3, "c": 3}


def test_turned() -> None:
    assert turned(["a", "b", "c"], 4) == ["b", "c", "a"]
    assert turned([], 1) == []


def test_output_of_holds_both_streams() -> None:
    assert output_of(python("import sys; print('out'); print('err', file=sys.stderr)")) == "out\nerr\n"
    with pytest.raises(BenchError, match="went wrong"):
        output_of(python("raise SystemExit('went wrong')"))
