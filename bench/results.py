"""bench/RESULTS.md: the targets, then a table for each cell. All of it is made of the cells, anew each time."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from . import fit
from .cells import Cell, Reading, Run, Setting, Store
from .statistics import summary
from .table import seconds, table, times
from .targets import BARE, START_UP, targets_table
from .tools import CASES
from .workload import TITLES

RESULTS = Path(__file__).with_name("RESULTS.md")

_TITLE = """\
# Results

Written by `python -m bench` from what it keeps in bench/cells; docs/speed.md says what is measured and how. Times in
seconds. Ratios are taken within a round, the median over the rounds of one run; where two tools were measured in
different runs, of their medians. Requests are all that a tool sent, by the API server's audit log (the fewest of the
rounds); CPU and memory, children included, are the largest of the rounds.
"""

_HEAD = ("case", "tool", "min", "median", "× mlstack", "rounds", "reads", "writes", "CPU s", "peak MB")
_SHOW_HEAD = ("objects", "tool", "min", "median", "× mlstack", "rounds", "CPU s", "peak MB")
_FIT_HEAD = ("tool", "min", "median", "× mlstack", "rounds", "CPU s", "peak MB")
_START_HEAD = ("command", "min", "median", "× bare", "rounds", "peak MB")


def page(store: Store) -> str:
    """The whole page."""
    return "\n".join([_TITLE, *(f"## {title}\n\n{body}\n" for title, body in sections(store))]).rstrip() + "\n"


def sections(store: Store) -> list[tuple[str, str]]:
    """Titles and texts: the targets, the start-up, `show`, and a section for each cell of the rounds."""
    cells = store.all()
    found = [("Targets", "\n\n".join([targets_table(store), *several_runs(cells)]))]
    if START_UP in [cell.setting for cell in cells]:
        found.append(start_up_section(store))
    if any(cell.setting.objects == "show" for cell in cells):
        found.append(show_section(store))
    found += [fit_section(cell) for cell in cells if cell.setting.objects == "fit"]
    found += [rounds_section(cell) for cell in cells if cell.setting.objects in TITLES]
    found += [forward_section(cell) for cell in cells if cell.setting.objects == "forward"]
    return found + [logs_section(cell) for cell in cells if cell.setting.objects == "logs"]


def several_runs(cells: Sequence[Cell]) -> list[str]:
    """A warning where a cell's tools were not measured side by side."""
    found = [rounds_title(cell.setting) for cell in cells if cell.setting.objects in TITLES and len(cell.runs) > 1]
    if not found:
        return []
    return [f"Rows of several runs, at different times and loads, stand beside each other in: {'; '.join(found)}."]


def rounds_title(setting: Setting) -> str:
    """What the section of a setting is called."""
    return f"{setting.count:,} {TITLES[setting.objects]}, round trip {setting.rtt_ms} ms"


def write(store: Store, file: Path = RESULTS) -> None:
    """Write the page."""
    file.write_text(page(store), encoding="utf-8")


def start_up_section(store: Store) -> tuple[str, str]:
    """The start-up, one row a command, and what of others' each imports."""
    cell = store.cell(START_UP)
    names = list(dict.fromkeys(one.tool for one in cell.readings))
    rows = [[f"`{name}`", *_times(cell, name, "start", BARE), _peak(cell.of(name, "start"))] for name in names]
    return "Start-up", "\n\n".join([origins(cell), table(_START_HEAD, rows), *cell.notes])


def show_section(store: Store) -> tuple[str, str]:
    """`show` beside `helm template`, for each number of objects."""
    cells = [cell for cell in store.all() if cell.setting.objects == "show"]
    rows = [
        [f"{cell.setting.count:,}", name, *_times(cell, name, "show", "mlstack"), *_cost(cell.of(name, "show"))]
        for cell in cells
        for name in ("mlstack", "helm")
        if cell.of(name, "show")
    ]
    title = "Show, offline, beside helm template"
    return title, "\n\n".join([origins(cells[-1]), table(_SHOW_HEAD, rows, texts=2)])


def fit_section(cell: Cell) -> tuple[str, str]:
    """`tune` on a large cluster, and the LISTs alone, which it cannot do without."""
    names = list(dict.fromkeys(one.tool for one in cell.readings))
    rows = [[name, *_times(cell, name, fit.CASE, "mlstack"), *_cost(cell.of(name, fit.CASE))] for name in names]
    nodes = cell.setting.count
    return f"tune, {nodes:,} nodes with {10 * nodes:,} pods", "\n\n".join([origins(cell), table(_FIT_HEAD, rows)])


def logs_section(cell: Cell) -> tuple[str, str]:
    """Logs of many workers followed: the table is made with the readings, since they hold no lines."""
    title = f"Logs of {cell.setting.count} workers followed, 1,000 lines a second"
    return title, "\n\n".join([origins(cell), *cell.notes])


def forward_section(cell: Cell) -> tuple[str, str]:
    """Forwarding beside kubectl's; the table is made with the readings."""
    return "Forwarding to a pod", "\n\n".join([origins(cell), *cell.notes])


def rounds_section(cell: Cell) -> tuple[str, str]:
    """A cell of the rounds: one row per case and tool, in the order of the cases."""
    names = sorted(dict.fromkeys(one.tool for one in cell.readings), key=_ours_first)
    rows = [_row(cell, case, name) for case in CASES for name in names if cell.of(name, case)]
    return rounds_title(cell.setting), "\n\n".join([origins(cell), table(_HEAD, rows, texts=2), *cell.notes])


def _ours_first(name: str) -> tuple[bool, str]:
    return name != "mlstack", name


def _row(cell: Cell, case: str, name: str) -> list[str]:
    series = cell.of(name, case)
    asked = [one.requests for one in series]
    counts = [str(min(one.reads for one in asked)), str(min(one.writes for one in asked))]
    return [CASES[case], name, *_times(cell, name, case, "mlstack"), *counts, *_cost(series)]


def _times(cell: Cell, name: str, case: str, base: str) -> list[str]:
    found = summary([one.sample.seconds for one in cell.of(name, case)])
    ratio = cell.ratio(name, base, case)
    return [seconds(found.minimum), seconds(found.median), times(ratio) if ratio else "", str(found.count)]


def _cost(series: Sequence[Reading]) -> list[str]:
    return [seconds(max(one.sample.cpu_s for one in series)), _peak(series)]


def _peak(series: Sequence[Reading]) -> str:
    return f"{max(one.sample.peak_mb for one in series):.0f}"


def origins(cell: Cell) -> str:
    """Where its rows come from, a line a run: when, on what, with which versions, how busy it was."""
    pairs = sorted({(one.run, one.tool) for one in cell.readings})
    runs = {key: [name for _, name in group] for key, group in groupby(pairs, key=lambda pair: pair[0])}
    return "  \n".join(_origin(cell.runs[key], names) for key, names in runs.items())


def _origin(run: Run, names: Sequence[str]) -> str:
    known = [f"{name} {run.programs[name]}".strip() for name in sorted(names, key=_ours_first) if name in run.programs]
    load = f"load before the rounds {run.loads[0]:.1f} to {run.loads[1]:.1f}"
    return "; ".join(part for part in (run.time, run.machine, ", ".join(known), load) if part)
