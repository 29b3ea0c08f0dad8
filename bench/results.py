"""What was measured, as tables, and bench/RESULTS.md: a section per setting, replaced when it is measured again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .rounds import Cell
from .statistics import paired_ratio, summary
from .table import seconds, table, times
from .tools import CASES

RESULTS = Path(__file__).with_name("RESULTS.md")

_TITLE = """\
# Results

Written by `python -m bench` (docs/speed.md says what is measured and how). Times in seconds; `× mlstack` is how many
times as long as mlstack in the same round, the median over the rounds; requests are those for the objects, Secrets and
namespaces, by the API server's own count (the fewest of the rounds); CPU and memory are the largest of the rounds.
"""

_HEAD = ("case", "tool", "min", "median", "× mlstack", "rounds", "reads", "writes", "CPU s", "peak MB")


def cells_table(cells: Sequence[Cell]) -> str:
    """One row per case and tool, in the order of the cases."""
    tools = list(dict.fromkeys(cell.tool for cell in cells))
    rows = [
        _row(case, tool, series, _series(cells, case, "mlstack"))
        for case in CASES
        for tool in sorted(tools, key=lambda name: name != "mlstack")
        if (series := _series(cells, case, tool))
    ]
    return table(_HEAD, rows, texts=2)


def _series(cells: Sequence[Cell], case: str, tool: str) -> list[Cell]:
    found = [cell for cell in cells if (cell.case, cell.tool) == (case, tool)]
    return sorted(found, key=lambda cell: cell.round)


def _row(case: str, tool: str, series: Sequence[Cell], ours: Sequence[Cell]) -> list[str]:
    spent = summary([cell.sample.seconds for cell in series])
    return [
        CASES[case],
        tool,
        seconds(spent.minimum),
        seconds(spent.median),
        times(ratio_to(series, ours)) if ours else "",
        str(spent.count),
        str(min(cell.requests.reads for cell in series)),
        str(min(cell.requests.writes for cell in series)),
        seconds(max(cell.sample.cpu_s for cell in series)),
        f"{max(cell.sample.peak_mb for cell in series):.0f}",
    ]


def ratio_to(series: Sequence[Cell], ours: Sequence[Cell]) -> float:
    """How many times as long as ours, over the rounds that both took part in."""
    base = {cell.round: cell.sample.seconds for cell in ours}
    pairs = [(cell.sample.seconds, base[cell.round]) for cell in series if cell.round in base]
    return paired_ratio([one for one, _ in pairs], [other for _, other in pairs])


def write_section(title: str, body: str, file: Path = RESULTS) -> None:
    """Put a section into RESULTS.md: in the place of the one of that title, else at the end."""
    text = file.read_text(encoding="utf-8") if file.exists() else _TITLE
    file.write_text(with_section(text, title, body), encoding="utf-8")


def with_section(text: str, title: str, body: str) -> str:
    """The page's text with that section in it, and all others as they were."""
    section = f"## {title}\n\n{body.strip()}\n"
    pattern = re.compile(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)
    found, replaced = pattern.subn(lambda _: f"{section}\n", text)
    return (found if replaced else f"{text.rstrip()}\n\n{section}").rstrip() + "\n"
