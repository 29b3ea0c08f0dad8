"""How long mlstack takes to begin: against a bare Python on the same machine, in turns; and what it imports."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .measure import Command, Sample, in_turns, output_of
from .statistics import paired_ratio, summary
from .table import seconds, table, times

BARE = "python -c pass"
TARGETS = {"mlstack --help": 10.0, "mlstack show gke -c cnn": 20.0}
"""Times as long as a bare Python, at most."""

_HEAD = ("command", "min", "median", "× bare", "target", "rounds", "peak MB", "modules")

_KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: gke, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: gke, user: {token: none}}]
contexts: [{name: gke, context: {cluster: gke, user: gke}}]
"""

_NOBODYS = frozenset({"mlstack", "sitecustomize", "usercustomize", "org"})
"""Ours; what Python tries on every start; and what its `copy` tries for the sake of Jython."""

_MAKE = (
    ("init", "walkthrough"),
    ("--app", "walkthrough", "generate", "core", "kubeflow-core"),
    ("--app", "walkthrough", "generate", "tf-cnn", "cnn"),
    ("--app", "walkthrough", "env", "add", "gke", "--context", "gke"),
)


@dataclass(frozen=True)
class Imports:
    """How many modules a command loads, and the packages among them that are neither Python's own nor mlstack."""

    modules: int
    packages: tuple[str, ...]


def make_app(program: Path, folder: Path) -> Command:
    """The walkthrough's app, made by the walkthrough's commands; gives `show` of it. No cluster is reached."""
    kubeconfig = folder / "kubeconfig"
    kubeconfig.write_text(_KUBECONFIG, encoding="utf-8")
    env = {"KUBECONFIG": str(kubeconfig)}
    for words in _MAKE:
        output_of(Command((str(program), *words), env, folder))
    return Command((str(program), "show", "gke", "-c", "cnn"), env, folder / "walkthrough")


def commands(program: Path, show: Command) -> dict[str, Command]:
    """What is measured, by the name in the table."""
    return {
        BARE: Command((sys.executable, "-c", "pass")),
        "mlstack --help": Command((str(program), "--help")),
        "mlstack show gke -c cnn": show,
    }


def run(program: Path, folder: Path, rounds: int) -> str:
    """Measure, and give the table. Every command runs once before, so that its bytecode and files are at hand."""
    wanted = commands(program, make_app(program, folder))
    for command in wanted.values():
        output_of(command)
    samples = in_turns(wanted, rounds)
    return report(samples, {name: imports(command) for name, command in wanted.items()})


def report(samples: Mapping[str, Sequence[Sample]], loaded: Mapping[str, Imports]) -> str:
    """The table, one row a command, and what of others' each command imports."""
    others = [
        f"`{name}` imports {', '.join(f'`{package}`' for package in found.packages)}."
        for name, found in loaded.items()
        if found.packages
    ]
    return "\n".join([_table(samples, loaded), "", *others])


def _table(samples: Mapping[str, Sequence[Sample]], loaded: Mapping[str, Imports]) -> str:
    return table(_HEAD, [_row(name, series, samples[BARE], loaded[name]) for name, series in samples.items()])


def _row(name: str, series: Sequence[Sample], bare: Sequence[Sample], loaded: Imports) -> list[str]:
    spent = [sample.seconds for sample in series]
    found = summary(spent)
    return [
        f"`{name}`",
        seconds(found.minimum),
        seconds(found.median),
        times(paired_ratio(spent, [sample.seconds for sample in bare])),
        f"≤ {TARGETS[name]:.0f}×" if name in TARGETS else "",
        str(found.count),
        f"{max(sample.peak_mb for sample in series):.0f}",
        str(loaded.modules),
    ]


def imports(command: Command) -> Imports:
    """What a command imports, as Python's own `-X importtime` tells."""
    words = command.words if command.words[0] == sys.executable else (sys.executable, *command.words)
    timed = (words[0], "-X", "importtime", *words[1:])
    return parse_imports(output_of(Command(timed, command.env, command.folder)))


def parse_imports(text: str) -> Imports:
    """The modules in the lines of `-X importtime`."""
    names = {line[1] for line in re.finditer(r"^import time:\s+\d+ \|\s+\d+ \|\s*(\S+)$", text, re.MULTILINE)}
    tops = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - _NOBODYS
    return Imports(len(names), tuple(sorted(top for top in tops if not top.startswith("_"))))
