"""Text on the terminal: tables for people, one document for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from mlstack.wording import counted as counted


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns as wide as their longest cell, never cut: what a pipe reads is what a person sees."""
    cells = [list(headers), *[["" if cell is None else str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(headers))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in cells]
    return "\n".join(line.rstrip() for line in lines)


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
