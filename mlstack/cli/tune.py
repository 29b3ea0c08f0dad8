"""tune: what fits on an environment's cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .output import counted, emit, table
from .run import scope_of
from .settings import Settings, output_option, pass_settings, set_option

if TYPE_CHECKING:
    from mlstack.actions.tune import Tuned, Tuning
    from mlstack.plan.fit.scale import Size


@click.command()
@click.argument("environment")
@click.argument("components", nargs=-1)
@set_option
@click.option("--scale", default="", help="Try this: max, a number of GPUs, or a share as 50%.")
@click.option("--write", is_flag=True, help="Store the answer, for this environment only.")
@output_option
@pass_settings
def tune(
    settings: Settings,
    environment: str,
    components: tuple[str, ...],
    sets: tuple[str, ...],
    scale: str,
    write: bool,
    output: str,
) -> None:
    """Say how many workers of how many GPUs fit in ENVIRONMENT now, on which nodes, and why not more."""
    from mlstack.actions.tune import tune as action

    found = action(scope_of(settings, environment, components, sets), scale=scale, write=write)
    emit(tuning_as_dict(found), output, lambda: "\n".join(_lines(found, scale)))


def tuning_as_dict(found: Tuning) -> dict[str, Any]:
    """The answer as plain data."""
    return {
        "environment": found.environment,
        "components": [_as_dict(one) for one in found.components],
        "blind": list(found.blind),
        "written": list(found.written),
    }


def _as_dict(one: Tuned) -> dict[str, Any]:
    import dataclasses

    return {
        "component": one.component,
        "resource": one.resource,
        "prospect": one.prospect.value,
        "reasons": list(one.reasons),
        "asked": dataclasses.asdict(one.asked) if one.asked else None,
        "best": dataclasses.asdict(one.best) if one.best else None,
        "nodes": [dataclasses.asdict(row) for row in one.nodes],
    }


def _lines(found: Tuning, scale: str) -> list[str]:
    lines = [
        line
        for one in found.components
        for line in (*_component(one), *([] if found.written else _answer(found, one, scale)))
    ]
    lines += [f"Not seen: {text}." for text in found.blind]
    return [*lines, *found.written]


def _component(one: Tuned) -> list[str]:
    asked = f"asks {_size(one.asked, one.resource)}" if one.asked else "leaves its size to the cluster"
    lines = [f"{one.component} {asked}; {_free(one)}."] if one.sized else [f"{one.component}: {one.prospect.value}."]
    if one.nodes:
        lines.append(_table(one))
    return lines + [f"  {text}" for text in one.reasons if one.prospect.value != "fits"]


def _free(one: Tuned) -> str:
    return f"{_size(one.best, one.resource)} fit now" if one.best else "none fits now"


def _table(one: Tuned) -> str:
    unit = "GPUs" if one.resource else "CPU pods"
    rows = [(row.name, row.model, row.total, row.free, row.takes, row.why) for row in one.nodes]
    text = table(("node", "model", unit, "free", "takes", "why not more"), rows)
    return "\n".join(f"  {line}" for line in text.splitlines())


def _answer(found: Tuning, one: Tuned, scale: str) -> list[str]:
    if not one.sized or one.best is None:
        return []
    as_asked = ", or as asked" if one.asked and one.prospect.value == "fits" else ""
    command = f"mlstack tune {found.environment} {one.component} --scale {scale or 'max'} --write"
    return [f"Fits: {_size(one.best, one.resource)}{as_asked}. Take it with: {command}"]


def _size(size: Size | None, resource: str) -> str:
    from mlstack.plan.fit.phrases import devices

    assert size is not None  # only sizes that are there are told
    workers = counted(size.workers, "worker")
    if not size.each:
        return workers
    total = f" ({devices(resource, size.devices)})" if size.workers > 1 and size.each > 1 else ""
    return f"{workers} x {devices(resource, size.each)}{total}"
