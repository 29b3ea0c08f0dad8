"""`python -m bench`: measure, keep it in bench/cells, print tables, write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import compileall
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mlstack
from mlstack.errors import MlstackError

from . import binaries, fit, following, forward, large, results, show, startup, targets, tools
from .cells import Cell, Run, Setting, Store
from .cluster import CONTEXT, Cluster, running
from .machine import commit, machine_line, now
from .measure import BenchError, Command, output_of
from .options import arguments
from .session import Session
from .tools import Tool

STARTUP_ROUNDS = 5
"""Rounds of what takes a fraction of a second, per round of the rest."""


def program() -> Path:
    """The `mlstack` command of this Python's environment."""
    found = Path(sys.executable).with_name("mlstack")
    if not found.exists():
        raise BenchError(f"{found} does not exist: install mlstack into this environment (make bench does).")
    return found


def our_version() -> str:
    """What mlstack says of itself, with its commit."""
    version = output_of(Command((str(program()), "--version"))).split()[-1]
    return f"{version} {commit()}".strip()


def quick_run(programs: dict[str, str]) -> Run:
    """A new run of what needs no cluster."""
    load = os.getloadavg()[0]
    return Run(now(), machine_line(), programs, (load, load))


def run_startup(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The start-up's cell."""
    cell = store.cell(targets.START_UP)
    run = quick_run({"mlstack": our_version()})
    startup.run(program(), folder, options.rounds * STARTUP_ROUNDS, run.time, cell)
    cell.runs[run.time] = run  # with its readings: a run that has none is forgotten
    publish(options, store, cell, results.start_up_section(store))


def run_show(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The cells of `show`, one for each number of objects."""
    helm = binaries.find_helm(options.helm) if "helm" in options.tools else None
    for count in targets.SHOWN:
        cell = store.cell(Setting("show", count, 0))
        run = quick_run({"mlstack": our_version(), "helm": tools.helm_version(helm, folder) if helm else ""})
        show.run(show.commands(program(), helm, folder, count), options.rounds * STARTUP_ROUNDS, run.time, cell)
        cell.runs[run.time] = run
        publish(options, store, cell, None)
    print_section(results.show_section(store))


def run_apply(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """A cell for each setting, kept after each reading, published after each of its rounds."""
    with running(folder) as cluster:
        programs = found_programs(options, cluster)
        cluster.make_namespaces([f"bench-{name}" for name in programs])
        for setting in options.settings:
            taking_part = made_tools(programs, folder, setting.objects)
            make_app(cluster, tools.place(folder, setting.objects, "mlstack"), "mlstack" in programs)
            session = Session(cluster, store.cell(setting), taking_part, store.keep)
            for _ in session.measure(options.rounds, options.peer_rounds, resume=options.resume):
                publish(options, store, session.cell, results.rounds_section(session.cell))


def run_fit(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The cell of `tune` on a large cluster."""
    cell = store.cell(Setting("fit", options.nodes, 0))
    place = folder / "fit"
    place.mkdir()
    with large.running(place, fit.CONTEXT, options.nodes, 10 * options.nodes) as kubeconfig:
        run = quick_run({"mlstack": our_version()})
        fit.run(fit.commands(program(), kubeconfig, place), options.rounds, run.time, cell)
    cell.runs[run.time] = run
    publish(options, store, cell, results.fit_section(cell))


def run_logs(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The cell of followed logs."""
    cell = store.cell(following.SETTING)
    with running(folder) as cluster:
        kubectl = output_of(Command((str(cluster.kubectl), "version", "--client"))).split()[2]
        run = quick_run({"mlstack": our_version(), "kubectl": kubectl})
        made = following.commands(program(), cluster, folder)
        following.run(cluster, made, folder, options.rounds, run.time, cell)
        cell.runs = {run.time: run}
        publish(options, store, cell, results.logs_section(cell))


def run_forward(options: argparse.Namespace, folder: Path, store: Store) -> None:
    """The cell of forwarding."""
    cell = store.cell(Setting("forward", 50, 0))
    run = quick_run({"mlstack": our_version()})
    forward.run(folder, options.rounds, options.open, run.time, cell)
    cell.runs = {run.time: run}
    publish(options, store, cell, results.forward_section(cell))


def found_programs(options: argparse.Namespace, cluster: Cluster) -> dict[str, Path]:
    """The programs of the tools that were asked for and that are there, by the tool's name."""
    finders = {
        "mlstack": program,
        "kubectl": lambda: cluster.kubectl,
        "helm": lambda: binaries.find_helm(options.helm),
        "kapp": lambda: binaries.find_kapp(options.kapp),
        "floor": binaries.find_floor,
    }
    found = {name: finders[name]() for name in options.tools}
    for name in (name for name, file in found.items() if file is None):
        print(f"{name} is not to be had; its rows are left out.", file=sys.stderr)
    return {name: file for name, file in found.items() if file is not None}


def made_tools(programs: dict[str, Path], folder: Path, objects: str) -> list[Tool]:
    """The tools, for a set of objects."""
    return [tools.MAKERS[name](file, folder, objects) for name, file in programs.items()]


def make_app(cluster: Cluster, place: Path, wanted: bool) -> None:
    """The app that mlstack applies, by mlstack's own commands; its only environment is the control plane."""
    if wanted and not place.exists():
        place.mkdir(parents=True)
        env = {"KUBECONFIG": str(cluster.kubeconfig)}
        where = ("--app", "app", "env", "add", tools.ENVIRONMENT, "--context", CONTEXT, "--platform", "generic")
        output_of(Command((str(program()), "init", "app"), env, place))
        output_of(Command((str(program()), *where, "--namespace", "bench-mlstack"), env, place))


def publish(options: argparse.Namespace, store: Store, cell: Cell, section: tuple[str, str] | None) -> None:
    """Keep a cell, print its section, and write RESULTS.md anew."""
    if section:
        print_section(section)
    if not options.dry:
        store.keep(cell)
        results.write(store)


def print_section(section: tuple[str, str]) -> None:
    """A section, as it stands in RESULTS.md."""
    print(f"\n## {section[0]}\n\n{section[1]}", flush=True)


def compile_all() -> None:
    """Make mlstack's bytecode, as pip does on installing; PYTHONDONTWRITEBYTECODE forbids it to a checkout."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(Path(mlstack.__file__).parent, quiet=1)


MEASURED = {
    "startup": run_startup,
    "show": run_show,
    "apply": run_apply,
    "fit": run_fit,
    "logs": run_logs,
    "forward": run_forward,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what was asked for. Returns the exit code."""
    options = arguments(argv)
    compile_all()
    store = Store(None) if options.dry else Store()
    try:
        for name in options.names:
            with tempfile.TemporaryDirectory(prefix="mlstack-bench-") as folder:
                MEASURED[name](options, Path(folder), store)
    except (BenchError, MlstackError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    print_section(("Targets", targets.targets_table(store)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
