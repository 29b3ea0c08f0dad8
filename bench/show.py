"""`mlstack show` beside `helm template`, of as many objects; no cluster is reached."""

from __future__ import annotations

from pathlib import Path

from . import layouts, tools
from .cells import Cell, Reading
from .measure import Command, measure, output_of, turned
from .startup import KUBECONFIG
from .workload import configmaps


def commands(program: Path, helm: Path | None, folder: Path, count: int) -> dict[str, Command]:
    """What is measured, by the tool's name, with `count` ConfigMaps where each looks for them."""
    mlstack = folder / f"mlstack-{count}"
    make_app(program, mlstack)
    layouts.write_app(mlstack, configmaps(count, 0, "mlstack"))
    found = {"mlstack": Command((str(program), "show", tools.ENVIRONMENT), _env(mlstack), mlstack / "app")}
    if helm is not None:
        chart = folder / f"helm-{count}"
        layouts.write_chart(chart, configmaps(count, 0, "helm"))
        words = (str(helm), "template", tools.RELEASE, "chart", "-n", "bench-helm")
        found["helm"] = Command(words, tools.helm_homes(folder), chart)
    return found


def make_app(program: Path, place: Path) -> None:
    """An app whose only environment is a cluster that nobody reaches."""
    place.mkdir(parents=True)
    (place / "kubeconfig").write_text(KUBECONFIG, encoding="utf-8")
    output_of(Command((str(program), "init", "app"), _env(place), place))
    add = ("--app", "app", "env", "add", tools.ENVIRONMENT, "--context", "gke", "--namespace", "bench-mlstack")
    output_of(Command((str(program), *add, "--platform", "generic"), _env(place), place))


def _env(place: Path) -> dict[str, str]:
    return {"KUBECONFIG": str(place / "kubeconfig")}


def run(wanted: dict[str, Command], rounds: int, key: str, cell: Cell) -> None:
    """Measure into a cell, in turns, after each ran once."""
    for command in wanted.values():
        output_of(command)
    names = set(wanted)
    cell.drop(lambda one: one.tool in names)
    for number in range(rounds):
        for name in turned(list(wanted), number):
            cell.readings.append(Reading(name, "show", number, key, measure(wanted[name])))
