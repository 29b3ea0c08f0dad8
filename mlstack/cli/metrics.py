"""logs --metrics: how fast a training goes, as a live table, and as a picture."""

from __future__ import annotations

import dataclasses
import math
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mlstack.errors import MlstackError

from .output import event_line, note, table

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

    from mlstack.actions.events import LogLine
    from mlstack.actions.metrics import Measurement, Metrics

HEAD = ("pod", "epoch", "step", "steps/s", "images/s", "workers", "images/s per worker", "loss")
DRAW_SECONDS = 10.0  # a picture of what is followed is drawn anew so often


class MetricsView:
    """Takes lines as they come and shows their figures: at the end, or while they come with `live`."""

    def __init__(self, title: str, output: str, svg: Path | None, *, live: bool) -> None:
        from mlstack.actions.metrics import Metrics

        self.title, self.output, self.svg, self.live_wanted = title, output, svg, live
        self.metrics: Metrics = Metrics()
        self.live: Live | None = None
        self.drawn_at = time.monotonic()
        self.points = 0

    def __call__(self, lines: Sequence[LogLine]) -> None:
        """The lines of a batch."""
        found = [one for one in map(self.metrics.add, lines) if one is not None]
        self.points += len(found)
        if self.output == "json":
            for one in found:
                click.echo(event_line(as_dict(one)))
        elif found and self.live_wanted:
            self.show(found)
        if found and self.svg is not None and self.live_wanted and time.monotonic() - self.drawn_at > DRAW_SECONDS:
            self.draw(self.svg)

    def show(self, found: Sequence[Measurement]) -> None:
        """The table drawn anew on a terminal, else a line for each measurement."""
        if not sys.stdout.isatty():
            for one in found:
                click.echo(measurement_text(one))
            return
        if self.live is None:
            from rich.live import Live

            self.live = Live(refresh_per_second=4)
            self.live.start()
        self.live.update(live_table(self.title, self.metrics))

    def draw(self, file: Path) -> bool:
        """The picture of all that was measured until now, in one step: who looks at it sees a whole one. False where
        there is nothing to draw. Raises MlstackError if the file cannot be written."""
        from mlstack.app.atomic import write_atomic

        from .plot import plot

        self.drawn_at = time.monotonic()
        series = self.metrics.series()
        if series:
            write_atomic(file, plot(self.title, series).encode())
        return bool(series)

    def stop(self) -> None:
        """Leaves the table as it is."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def close(self) -> None:
        """The table, where it was not shown all along, and the picture."""
        self.stop()
        if self.points and self.output == "text" and not self.live_wanted:
            click.echo(table(*columns(self.metrics)))
        if self.svg is not None and self.draw(self.svg):
            note(f"Wrote {self.svg}.")

    def check(self) -> None:
        """Raises MlstackError if nothing was measured."""
        if not self.points:
            raise MlstackError(
                f"No line of {self.title} is a measurement: JSON with images_per_second or steps_per_second, or a "
                "progress line with a loss or a rate.",
                "docs/logs.md lists the lines that are read.",
            )


def columns(metrics: Metrics) -> tuple[Sequence[str], Sequence[Sequence[str]]]:
    """The table's head and rows, without the column of epochs where no line tells any."""
    found = rows(metrics)
    if any(cells[1] for cells in found):
        return HEAD, found
    return (HEAD[0], *HEAD[2:]), [(cells[0], *cells[2:]) for cells in found]


def rows(metrics: Metrics) -> list[tuple[str, ...]]:
    """The table's rows: each pod's newest figures, and their sum where there are several."""
    found, total = metrics.rows, metrics.total
    return [row(one) for one in (*found, *([total] if total and len(found) > 1 else []))]


def row(one: Measurement) -> tuple[str, ...]:
    """A measurement as the cells of a row."""
    title = f"{one.title} (mean)" if one.mean else one.title
    rates = figure(one.steps_per_second), figure(one.images_per_second)
    step = "" if one.step is None else str(one.step)
    epoch = "" if one.epoch is None else f"{one.epoch:g}"
    return (title, epoch, step, *rates, str(one.workers), figure(one.per_worker), figure(one.loss))


def figure(value: float | None) -> str:
    """A figure as people read it: 0.0427, 3.42, 137.0, 12,345."""
    if value is None:
        return ""
    if not math.isfinite(value):
        return str(value)  # nan, inf
    size = abs(value)
    if size < 1:
        return f"{value:.3g}"
    return f"{value:.2f}" if size < 100 else f"{value:.1f}" if size < 10_000 else f"{value:,.0f}"


def live_table(title: str, metrics: Metrics) -> RenderableType:
    """The table for a terminal."""
    from rich.table import Table

    drawn = Table(title=title, title_justify="left", box=None, pad_edge=False, header_style="bold")
    head, cell_rows = columns(metrics)
    for position, name in enumerate(head):
        drawn.add_column(name, justify="right" if position else "left")
    for cells in cell_rows:
        drawn.add_row(*cells, style="bold" if cells[0].startswith("sum") else "")
    return drawn


def measurement_text(one: Measurement) -> str:
    """A measurement as a line, for what is no terminal."""
    named = zip(HEAD[1:], row(one)[1:], strict=True)
    return f"{row(one)[0]}  {'  '.join(f'{name} {value}' for name, value in named if value and name != 'workers')}"


def as_dict(one: Measurement) -> dict[str, object]:
    """A measurement as an event. JSON has no NaN and no infinity: they are written as text."""
    facts = {"event": "measurement", **dataclasses.asdict(one), "per_worker": one.per_worker}
    return {key: _json_number(value) for key, value in facts.items()}


def _json_number(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def watched(view: MetricsView, read: Callable[[], None]) -> None:
    """Reads until the end, or Ctrl-C, which is a good end of what is followed. However it ends, what was measured
    until then is shown."""
    try:
        read()
    except KeyboardInterrupt:
        view.close()
        if not view.live_wanted:
            raise
    except MlstackError:
        view.close()
        raise
    else:
        view.close()
        view.check()
    finally:
        view.stop()
