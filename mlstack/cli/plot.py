"""Lines over time as SVG, drawn by leather."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

FONT = "Verdana, DejaVu Sans, sans-serif"
# Of the colour-blind safe palette of Okabe and Ito; black is for the sum.
COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442")
SUM, SUM_COLOUR = "sum", "#000000"
NAMED = 8
SIZE = 900, 500

Points = Sequence[tuple[float, float]]


def plot(title: str, series: Mapping[str, Points], unit: str = "images/s") -> str:
    """A line for each series of (seconds, value), from zero up: the text of an SVG file."""
    import leather

    theme = leather.theme
    theme.background_color = "#ffffff"
    for name in ("title", "legend", "axis_title", "tick"):
        setattr(theme, f"{name}_font_family", FONT)
    chart = leather.Chart(title)
    top = max(value for points in series.values() for _, value in points)
    chart.add_y_scale(0, top * 1.1 or 1)
    chart.add_y_axis(name=unit)
    chart.add_x_axis(name="seconds")
    for number, (name, points) in enumerate(chosen(series).items()):
        colour = SUM_COLOUR if name == SUM else COLOURS[number % len(COLOURS)]
        chart.add_line(list(points), name=name, stroke_color=colour)
    drawn = io.StringIO()
    chart.to_svg(drawn, *SIZE)
    return drawn.getvalue()


def chosen(series: Mapping[str, Points]) -> dict[str, Points]:
    """The lines that are drawn: of more than can be told apart, those of the fastest and the slowest, and the sum."""
    workers = [name for name in series if name != SUM]
    if len(workers) <= NAMED:
        return dict(series)
    ranked = sorted(workers, key=lambda name: sum(value for _, value in series[name]) / len(series[name]))
    ends = {f"fastest ({ranked[-1]})": series[ranked[-1]], f"slowest ({ranked[0]})": series[ranked[0]]}
    return {**ends, **({SUM: series[SUM]} if SUM in series else {})}
