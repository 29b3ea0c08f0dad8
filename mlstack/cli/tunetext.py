"""What `tune` found, for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .output import counted, table
from .picture import coloured, picture_text

if TYPE_CHECKING:
    from mlstack.actions.tune import Tuned, Tuning
    from mlstack.plan.fit.alternatives import Alternative
    from mlstack.plan.fit.picture import Picture
    from mlstack.plan.fit.scale import Size

MOST = 30  # nodes in a table: more are drawn, equal ones as one


def tuning_text(found: Tuning, scale: str, *, drawn: bool = False) -> str:
    """The answer, component by component, and what could not be seen; `drawn`: with a picture for the table."""
    lines = [
        line
        for one in found.components
        for line in (*_component(one, drawn), *([] if found.written else _answer(found, one, scale)))
    ]
    lines += [f"Not seen: {text}." for text in found.blind]
    return "\n".join([*lines, *found.written])


def _component(one: Tuned, drawn: bool) -> list[str]:
    asked = f"asks {_size(one.asked, one.resource)}" if one.asked else "leaves its size to the cluster"
    lines = [f"{one.component} {asked}; {_free(one)}."] if one.sized else [f"{one.component}: {one.prospect.value}."]
    shown = one.picture() if drawn or len(one.nodes) > MOST else None
    if shown:
        lines.append(_ansi(shown))
    elif one.nodes:
        lines.append(_table(one))
    return lines + _reasons(one)


def _reasons(one: Tuned) -> list[str]:
    if one.prospect.value == "fits":
        return []
    set_by = [f"set by: {one.set_by}"] if one.set_by else []
    return [f"  {text}" for text in (*one.reasons, *set_by, *(_instead(one, other) for other in _others(one)))]


def _others(one: Tuned) -> list[Alternative]:
    """The alternatives; without the one that the last line says anyway."""
    return [other for other in one.instead if other.trial.settings or other.size != one.best]


def _instead(one: Tuned, other: Alternative) -> str:
    """`instead: 3 workers x 2 GPUs on a100 (accelerator_type=a100), as many as asked`."""
    from mlstack.actions.sizing import as_text

    settings = ", ".join(f"{name}={as_text(value)}" for name, value in other.trial.settings.items())
    where = f" {other.trial.what} ({settings})" if settings else ""
    return f"instead: {_size(other.size, one.resource)}{where}{', as many as asked' if other.full else ''}"


def _ansi(shown: Picture) -> str:
    """The picture as a string, in colour where a person sees it."""
    from rich.console import Console

    text = picture_text(shown)
    if not coloured():
        return text.plain
    console = Console(force_terminal=True)
    with console.capture() as printed:
        console.print(text, soft_wrap=True, end="")
    return printed.get()


def _free(one: Tuned) -> str:
    return f"{_size(one.best, one.resource)} fit {_when(one.best)}" if one.best else "none fits now"


def _when(size: Size) -> str:
    from mlstack.plan.fit.growing import after

    return after(size.coming) if size.coming else "now"


def _table(one: Tuned) -> str:
    have = ("model", "GPUs", "free") if one.resource else ()
    rows = [
        (row.name, *((row.model, row.total, row.free) if have else ()), row.takes, row.why) for row in one.nodes[:MOST]
    ]
    lines = table(("node", *have, "takes", "why not more"), rows).splitlines()
    more = len(one.nodes) - MOST
    return "\n".join(f"  {line}" for line in [*lines, *([f"and {counted(more, 'node')} more"] if more > 0 else [])])


def _answer(found: Tuning, one: Tuned, scale: str) -> list[str]:
    if not one.sized or one.best is None:
        return []
    as_asked = ", or as asked" if one.asked and one.prospect.value == "fits" else ""
    command = f"mlstack tune {found.environment} {one.component} --scale {scale or 'max'} --write"
    fits = f"Fits {_when(one.best)}" if one.best.coming else "Fits"
    return [f"{fits}: {_size(one.best, one.resource)}{as_asked}. Take it with: {command}"]


def _size(size: Size | None, resource: str) -> str:
    from mlstack.plan.fit.phrases import devices

    assert size is not None  # only sizes that are there are told
    workers = counted(size.workers, "worker")
    if not size.each:
        return workers
    total = f" ({devices(resource, size.devices)})" if size.workers > 1 and size.each > 1 else ""
    return f"{workers} x {devices(resource, size.each)}{total}"
