"""`python -m bench`: measure, print tables, write bench/RESULTS.md."""

from __future__ import annotations

import argparse
import compileall
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import mlstack
from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError

from . import startup, tools, workload
from .binaries import find_helm
from .cluster import CONTEXT, Cluster, running
from .machine import commit, machine_line, run_line
from .measure import BenchError, Command, output_of
from .results import cells_table, write_section
from .rounds import Block, Log, blocks, run_block

NAMES = ("startup", "apply")
STARTUP_ROUNDS = 5
"""Rounds of the start-up per round of the rest: it takes a fraction of a second."""


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The options, read."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="mlstack beside kubectl and helm.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"what to measure: {', '.join(NAMES)} [all]")
    parser.add_argument("--objects", type=_numbers, default=[500], help="how many ConfigMaps, a list [500]")
    parser.add_argument("--rtt", type=_numbers, default=[0, 20], help="round trips in ms, a list [0,20]")
    parser.add_argument("--rounds", type=int, default=3, help="rounds at each setting [3]")
    parser.add_argument(
        "--peer-rounds", type=int, default=1, help="rounds of kubectl and helm at round trips above 0 [1]"
    )
    parser.add_argument("--full", action="store_true", help="50, 500 and 5,000 objects at 0, 20 and 100 ms")
    parser.add_argument("--resume", action="store_true", help="go on where an interrupted run of this commit ended")
    parser.add_argument("--helm", type=Path, metavar="FILE", help="the helm program [PATH, else from npm]")
    parser.add_argument("--dry", action="store_true", help="print the tables only, leave RESULTS.md alone")
    given = parser.parse_args(argv)
    if unknown := [name for name in given.names if name not in NAMES]:
        parser.error(f"there is no {unknown[0]}; there are {', '.join(NAMES)}")
    if given.full:
        given.objects, given.rtt = [50, 500, 5000], [0, 20, 100]
    given.names = given.names or list(NAMES)
    return given


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def program() -> Path:
    """The `mlstack` command of this Python's environment."""
    found = Path(sys.executable).with_name("mlstack")
    if not found.exists():
        raise BenchError(f"{found} does not exist: install mlstack into this environment (make bench does).")
    return found


def run_startup(options: argparse.Namespace, folder: Path) -> None:
    """The start-up's section."""
    load = os.getloadavg()[0]
    place = folder / "startup"
    place.mkdir()
    found = startup.run(program(), place, options.rounds * STARTUP_ROUNDS)
    publish(options, "Start-up", run_line([], [load]), found)


def run_apply(options: argparse.Namespace, folder: Path) -> None:
    """A section for each number of objects and round trip, written after each of its rounds."""
    log = Log(log_file(), resume=options.resume)
    with running(folder) as cluster:
        taking_part = made_tools(options, cluster, folder)
        cluster.make_namespaces([tool.namespace for tool in taking_part])
        make_app(cluster, folder)
        loads: dict[tuple[int, int], list[float]] = {}
        for block in blocks(taking_part, options.objects, options.rtt, options.rounds, options.peer_rounds):
            if not log.has(block):
                log.drop(block)
                loads.setdefault((block.objects, block.rtt_ms), []).append(os.getloadavg()[0])
                for failure in run_block(block, cluster, folder, log.add):
                    print(f"Left out of this round: {failure}", file=sys.stderr)
                line = run_line(taking_part, loads[block.objects, block.rtt_ms])
                publish(options, title(block), line, cells_table(log.of(block.objects, block.rtt_ms)))


def log_file() -> Path:
    """Where cells are kept: one file per commit, so that a run goes on with the program that it began with."""
    return cache_folder() / "bench" / f"cells {commit() or 'without commit'}.jsonl".replace(" ", "-")


def made_tools(options: argparse.Namespace, cluster: Cluster, folder: Path) -> list[tools.Tool]:
    """mlstack, the floor, and the peers that are there."""
    helm = find_helm(options.helm)
    if helm is None:
        print("No helm: neither --helm, PATH nor npm has it; its rows are left out.", file=sys.stderr)
    found = [tools.mlstack(program(), folder), tools.kubectl(cluster.kubectl, folder), tools.floor(folder)]
    return [*found, tools.helm(helm, folder)] if helm else found


def make_app(cluster: Cluster, folder: Path) -> None:
    """The app that mlstack applies, by mlstack's own commands; its only environment is the control plane."""
    where = ("--app", str(workload.app(folder)), "env", "add", tools.ENVIRONMENT, "--context", CONTEXT)
    env = {"KUBECONFIG": str(cluster.kubeconfig)}
    output_of(Command((str(program()), "init", "app"), env, folder))
    output_of(Command((str(program()), *where, "--platform", "generic", "--namespace", "bench-mlstack"), env, folder))


def title(block: Block) -> str:
    """What the section of a setting is called."""
    return f"{block.objects} ConfigMaps, round trip {block.rtt_ms} ms"


def publish(options: argparse.Namespace, name: str, line: str, found: str) -> None:
    """Print a section, and write it into RESULTS.md."""
    body = f"{machine_line()}; {line}.\n\n{found}"
    print(f"\n## {name}\n\n{body}", flush=True)
    if not options.dry:
        write_section(name, body)


def compile_all() -> None:
    """Make mlstack's bytecode, as pip does on installing; PYTHONDONTWRITEBYTECODE forbids it to a checkout."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    compileall.compile_dir(Path(mlstack.__file__).parent, quiet=1)


def main() -> int:
    """Measure what was asked for. Returns the exit code."""
    options = arguments()
    compile_all()
    measured = {"startup": run_startup, "apply": run_apply}
    try:
        for name in options.names:
            with tempfile.TemporaryDirectory(prefix="mlstack-bench-") as folder:
                measured[name](options, Path(folder))
    except (BenchError, MlstackError) as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
