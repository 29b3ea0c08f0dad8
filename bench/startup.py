"""How long mlstack takes to begin: against a bare Python on the same machine, in turns; and what it imports."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from pathlib import Path

from .cells import Cell, Reading
from .measure import Command, in_turns, output_of
from .targets import BARE

KUBECONFIG = """\
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
    kubeconfig.write_text(KUBECONFIG, encoding="utf-8")
    env = {"KUBECONFIG": str(kubeconfig)}
    for words in _MAKE:
        output_of(Command((str(program), *words), env, folder))
    return Command((str(program), "show", "gke", "-c", "cnn"), env, folder / "walkthrough")


def commands(program: Path, show: Command) -> dict[str, Command]:
    """What is measured, by the name in the table."""
    return {
        BARE: Command((sys.executable, "-c", "pass")),
        "mlstack --help": Command((str(program), "--help")),
        "mlstack show, one component": show,
    }


def run(program: Path, folder: Path, rounds: int, key: str, cell: Cell) -> None:
    """Measure into a cell. Every command runs once before, so that its bytecode and files are at hand."""
    wanted = commands(program, make_app(program, folder))
    for command in wanted.values():
        output_of(command)
    samples = in_turns(wanted, rounds)
    cell.readings = [
        Reading(name, "start", number, key, sample)
        for name, series in samples.items()
        for number, sample in enumerate(series)
    ]
    cell.notes = [note(name, imports(command)) for name, command in wanted.items()]


def note(name: str, found: Imports) -> str:
    """A sentence on what a command imports."""
    others = f", of others' {', '.join(f'`{package}`' for package in found.packages)}" if found.packages else ""
    return f"`{name}` imports {found.modules} modules{others}."


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
