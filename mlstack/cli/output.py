"""Text on the terminal: tables for people, one document for programs."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from mlstack.wording import counted as counted

GAP = "  "
LEAST_WIDTH = 24  # of a wrapped column; in a narrower terminal the lines are longer than it


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], width: int | None = None) -> str:
    """Columns as wide as their longest cell. In `width` columns (default: the terminal's) the last cell of a row is
    wrapped between words; in a pipe nothing is wrapped or cut."""
    cells = [list(headers), *[["" if cell is None else str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    before = sum(widths[:-1]) + len(GAP) * (len(widths) - 1)
    room = max(LEAST_WIDTH, limit - before) if (limit := width or terminal_width()) else 0
    return "\n".join(_row(row, widths, room, before) for row in cells)


def _row(row: Sequence[str], widths: Sequence[int], room: int, before: int) -> str:
    first = GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
    if not room or len(row[-1]) <= room:
        return first
    start, *rest = textwrap.wrap(row[-1], room, break_long_words=False, break_on_hyphens=False)
    head = GAP.join(cell.ljust(width) for cell, width in zip([*row[:-1], ""], widths, strict=True))[:before]
    return "\n".join([f"{head}{start}", *(f"{' ' * before}{line}" for line in rest)])


def terminal_width() -> int:
    """The terminal's columns, 0 where standard output is no terminal."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else 0


def emit(value: Any, output: str, text: Callable[[], str]) -> None:
    """Print `value` as JSON or YAML, or what `text` makes of it for people."""
    if output == "json":
        click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))
    elif output == "yaml":
        from mlstack.compose.filters import to_yaml

        click.echo(to_yaml(json.loads(json.dumps(value, default=str))), nl=False)
    else:
        click.echo(text())


def event_line(event: Any) -> str:
    """An event as one line of JSON."""
    return json.dumps(event, ensure_ascii=False, default=str, separators=(",", ":"))


def note(text: str) -> None:
    """A line beside the result: on standard error, so that a pipe gets the result alone."""
    click.echo(text, err=True)


def can_ask() -> bool:
    """Whether a person sits there to answer a question."""
    return sys.stdin.isatty() and sys.stderr.isatty()
