"""Rows as a table that reads well in a terminal and is Markdown at the same time."""

from __future__ import annotations

from collections.abc import Sequence


def table(head: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A Markdown table with aligned columns: the first `texts` to the left, all others (figures) to the right."""
    widths = [max(2, *(len(row[column]) for row in (head, *rows))) for column in range(len(head))]
    rule = [("-" * width) if column < texts else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join([_line(row, widths, texts) for row in (head, rule, *rows)])


def _line(cells: Sequence[str], widths: Sequence[int], texts: int) -> str:
    padded = [
        cell.ljust(width) if column < texts else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(padded)} |"


def seconds(value: float) -> str:
    """Three figures that mean something: 0.007, 0.59, 5.3, 53."""
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def times(value: float) -> str:
    """A ratio: 0.85×, 2.3×, 53×."""
    return f"{value:.2f}×" if value < 1 else f"{value:.1f}×" if value < 20 else f"{value:.0f}×"
