"""status: what is there, whether it is ready, and why not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from .output import emit, event_line, table
from .run import Seconds, scope_of
from .settings import Settings, component_option, output_option, pass_settings

if TYPE_CHECKING:
    from mlstack.actions.status import Status


@click.command()
@click.argument("environment")
@component_option
@click.option("--watch", is_flag=True, help="Print it again whenever it changes.")
@click.option("--interval", type=Seconds(), default=2, help="How often --watch looks. [default: 2s]")
@output_option
@pass_settings
def status(
    settings: Settings,
    environment: str,
    components: tuple[str, ...],
    watch: bool,
    interval: float,
    output: str,
) -> None:
    """Show ENVIRONMENT's components: objects, readiness, and why something is not ready."""
    from mlstack.actions.status import status as action

    scope = scope_of(settings, environment, components)
    if not watch:
        found = action(scope)
        emit(status_as_dict(found), output, lambda: status_text(found))
        return
    last: object = None
    while True:
        found = action(scope)
        if status_as_dict(found) != last:
            last = status_as_dict(found)
            click.echo(event_line(last) if output == "json" else status_text(found))
        time.sleep(interval)


def status_as_dict(found: Status) -> dict[str, Any]:
    """The status as plain data."""
    import dataclasses

    return dataclasses.asdict(found)


def status_text(found: Status) -> str:
    """The status as a table, with what stands beside it."""
    rows = [(c.name, c.ready, f"{c.present}/{c.total}", "; ".join(c.notes)) for c in found.components]
    lines = [table(("component", "ready", "objects", "notes"), rows)]
    if len(found.components) == 1 and found.components[0].endpoints:
        lines.append(f"reached at {', '.join(found.components[0].endpoints)}")
    lines += found.notices
    if found.gpus is not None:
        lines.append(f"GPUs: {found.gpus.used} of {found.gpus.total} in use, {found.gpus.ours} by this app")
    if found.simulated:
        lines.append("This is a sandbox: nodes, GPUs and pods are simulated.")
    return "\n".join(lines)
