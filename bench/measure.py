"""One command measured: how long, how much CPU, how much memory; and several commands in turns."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launch.py")


class BenchError(Exception):
    """The bench cannot go on; the message says why."""


@dataclass(frozen=True)
class Command:
    """What to run: words, variables beside the environment's own, folder, and the exit codes that mean success."""

    words: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    good: frozenset[int] = frozenset({0})


@dataclass(frozen=True)
class Sample:
    """One measurement. Times in seconds of the clock and of CPUs, memory in MB; it covers the command's children."""

    seconds: float
    cpu_s: float
    peak_mb: float


def measure(command: Command) -> Sample:
    """Run it and measure it. Raises BenchError with the end of its output if it did not succeed."""
    with tempfile.TemporaryDirectory() as folder:
        note, said = Path(folder, "note.json"), Path(folder, "output")
        with said.open("wb") as output:
            subprocess.run(
                [sys.executable, "-I", "-S", str(LAUNCHER), str(note), *command.words],
                env={**os.environ, **command.env},
                cwd=command.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                check=True,
            )
        result = json.loads(note.read_text(encoding="utf-8"))
        if result.pop("code") not in command.good:
            tail = said.read_text(encoding="utf-8", errors="replace")[-2000:]
            raise BenchError(f"{' '.join(command.words)} failed:\n{tail}")
    return Sample(**{name: round(value, 4) for name, value in result.items()})


def in_turns(commands: Mapping[str, Command], rounds: int) -> dict[str, list[Sample]]:
    """Each command `rounds` times, one after another in each round, so that a busy moment meets them all.

    The order turns by one each round: none always runs after the same other.
    """
    samples: dict[str, list[Sample]] = {name: [] for name in commands}
    for number in range(rounds):
        for name in turned(list(commands), number):
            samples[name].append(measure(commands[name]))
    return samples


def turned(names: Sequence[str], by: int) -> list[str]:
    """The names in the same circle, beginning `by` later."""
    cut = by % len(names) if names else 0
    return [*names[cut:], *names[:cut]]


def output_of(command: Command) -> str:
    """What a command prints on both its streams, outside of any measurement. Raises BenchError if it fails."""
    done = subprocess.run(
        command.words,
        env={**os.environ, **command.env},
        cwd=command.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in command.good:
        raise BenchError(f"{' '.join(command.words)} failed:\n{(done.stderr or done.stdout)[-2000:]}")
    return done.stdout + done.stderr
