"""tune: what fits on an environment's cluster."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import emit, event_line, note
from .run import Seconds, scope_of
from .settings import Settings, output_option, pass_settings, set_option

if TYPE_CHECKING:
    from mlstack.actions.session import Scope
    from mlstack.actions.tune import Tuned, Tuning
    from mlstack.errors import MlstackError
    from mlstack.plan.fit.scale import Size


@click.command()
@click.argument("environment")
@click.argument("components", nargs=-1)
@set_option
@click.option("--scale", default="", help="Try this: max, a number of GPUs, or a share as 50%.")
@click.option("--write", is_flag=True, help="Store the answer, for this environment only.")
@click.option("--picture", is_flag=True, help="Draw the nodes: who holds their GPUs, where the job may go.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Draw that into a file.")
@click.option("--watch", is_flag=True, help="Show it as it changes, until Ctrl-C.")
@click.option("--interval", type=Seconds(), default=5, help="How often --watch looks. [default: 5s]")
@output_option
@pass_settings
def tune(
    settings: Settings,
    environment: str,
    components: tuple[str, ...],
    sets: tuple[str, ...],
    scale: str,
    write: bool,
    picture: bool,
    svg: Path | None,
    watch: bool,
    interval: float,
    output: str,
) -> None:
    """Say how many workers of how many GPUs fit in ENVIRONMENT now, on which nodes, and why not more."""
    from mlstack.actions.tune import tune as action

    from .tunetext import tuning_text

    if watch and (write or svg):
        raise click.UsageError("--watch only looks: it goes with neither --write nor --svg.")
    scope = scope_of(settings, environment, components, sets)
    if watch:
        _watch(scope, scale, interval, output)
        return
    found = action(scope, scale=scale, write=write)
    gc.freeze()  # it may hold tens of thousands of pods, through which the collector need not walk until the end
    if svg:
        _draw(found, svg)
    emit(tuning_as_dict(found), output, lambda: tuning_text(found, scale, drawn=picture))


def _draw(found: Tuning, file: Path) -> None:
    """One component's picture into a file. Raises MlstackError where there is none, or several."""
    from mlstack.app.atomic import write_atomic
    from mlstack.errors import MlstackError

    from .svg import svg

    pictures = [shown for one in found.components if (shown := one.picture())]
    if len(pictures) != 1:
        names = ", ".join(one.component for one in found.components)
        raise MlstackError(f"--svg draws one component that asks for GPUs which nodes have; here are: {names}.")
    title = f"{found.environment}: who holds the GPUs, and where {pictures[0].job} may go"
    write_atomic(file, svg(pictures[0], title).encode())
    note(f"Drawn into {file}.")


def _watch(scope: Scope, scale: str, interval: float, output: str) -> None:
    """Again and again until Ctrl-C: in place on a terminal, else whenever it changes."""
    from .live import follow
    from .tunetext import tuning_text

    def look() -> Tuning:
        from mlstack.actions.tune import tune as action

        return action(scope, scale=scale)

    def problem(error: MlstackError) -> str:
        return event_line({"environment": scope.environment, "problem": error.message})

    if output == "json":
        follow(lambda: event_line(tuning_as_dict(look())), interval, redrawn=False, problem=problem)
    else:
        follow(lambda: tuning_text(look(), scale, drawn=True), interval)


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
        "set_by": one.set_by,
        "instead": [
            {"what": other.trial.what, "settings": dict(other.trial.settings), "full": other.full} | _plain(other.size)
            for other in one.instead
        ],
        "asked": _plain(one.asked) if one.asked else None,
        "best": _plain(one.best) if one.best else None,
        "nodes": [dataclasses.asdict(row) for row in one.nodes],
    }


def _plain(size: Size) -> dict[str, Any]:
    """A size as data; the nodes that have to come for it only where some have to."""
    coming = [{"pool": one.pool, "nodes": one.nodes} for one in size.coming]
    return {"workers": size.workers, "each": size.each} | ({"coming": coming} if coming else {})
