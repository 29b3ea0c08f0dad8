"""`mlstack tune` on a large cluster, beside the LISTs that it cannot do without."""

from __future__ import annotations

import sys
from pathlib import Path

from .cells import Cell, Reading
from .measure import Command, measure, output_of, turned

CASE, CONTEXT, TEAM = "tune", "large", "team-0"
LISTS = "its LISTs alone"


def commands(program: Path, kubeconfig: Path, folder: Path) -> dict[str, Command]:
    """What is measured: `tune` of a training job with a chief and parameter servers, and the LISTs alone."""
    env = {"KUBECONFIG": str(kubeconfig)}
    app = ("--app", "app")
    for words in (
        ("init", "app"),
        (*app, "generate", "tf-cnn", "cnn", "--runner=native", "--num_gpus=1", "--num_workers=4", "--num_ps=2"),
        (*app, "env", "add", "gke", "--context", CONTEXT, "--platform", "gke", "--namespace", TEAM),
    ):
        output_of(Command((str(program), *words), env, folder))
    tune = Command((str(program), "tune", "gke", "cnn"), env, folder / "app")
    lists = Command((sys.executable, "-m", "bench.lists", str(kubeconfig), CONTEXT, TEAM), env)
    return {"mlstack": tune, LISTS: lists}


def run(wanted: dict[str, Command], rounds: int, key: str, cell: Cell) -> None:
    """Measure into a cell, in turns, after each ran once."""
    for command in wanted.values():
        output_of(command)
    cell.drop(lambda one: one.tool in wanted)
    for number in range(rounds):
        for name in turned(list(wanted), number):
            cell.readings.append(Reading(name, CASE, number, key, measure(wanted[name])))


def beyond(cell: Cell) -> float | None:
    """Seconds of `tune` beyond its LISTs, by the medians."""
    ours, lists = cell.seconds("mlstack", CASE), cell.seconds(LISTS, CASE)
    return ours - lists if ours is not None and lists is not None else None
