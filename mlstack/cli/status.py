"""status: what is there, whether it is ready, and why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .output import counted, emit, table
from .run import Seconds, scope_of
from .settings import Settings, component_option, output_option, pass_settings

if TYPE_CHECKING:
    from mlstack.actions.gpus import Gpus
    from mlstack.actions.status import Status


@click.command()
@click.argument("environments", nargs=-1)
@component_option
@click.option("--watch", is_flag=True, help="Show it as it changes, until Ctrl-C.")
@click.option("--interval", type=Seconds(), default=1, help="Least time between two views. [default: 1s]")
@output_option
@pass_settings
def status(
    settings: Settings,
    environments: tuple[str, ...],
    components: tuple[str, ...],
    watch: bool,
    interval: float,
    output: str,
) -> None:
    """Show ENVIRONMENTS' components (default: all environments): objects, readiness, and why something is not ready."""
    from mlstack.actions.status import status as action

    names = environments or tuple(settings.project().environment_names)
    scopes = [scope_of(settings, name, components) for name in names]
    if watch and output == "yaml":
        raise click.UsageError("--watch prints one JSON document a line: -o json.")
    if watch:
        from .watch import watch as follow

        follow(scopes, interval, output)
        return
    found = [action(scope) for scope in scopes]
    plain = [status_as_dict(one) for one in found]
    several = len(environments) != 1
    emit(plain if several else plain[0], output, lambda: "\n\n".join(status_block(one, several) for one in found))


def status_block(found: Status, named: bool) -> str:
    """The status, below the environment's name where there may be others."""
    return f"{found.environment}:\n{status_text(found)}" if named else status_text(found)


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
    lines += gpu_lines(found.gpus) if found.gpus else []
    if found.simulated:
        lines.append("This is a sandbox: nodes, GPUs and pods are simulated.")
    return "\n".join(lines)


def gpu_lines(gpus: Gpus) -> list[str]:
    """Who holds the GPUs, what this app had of them, and which notebooks hold some without using them."""
    lines = [f"GPUs: {gpus.used} of {gpus.total} in use, {gpus.ours} by this app"]
    if gpus.hours:
        told = ", ".join(f"{one.component} {one.hours:g} since {one.since}" for one in gpus.hours)
        lines.append(f"GPU-hours of the pods that are there: {told}")
    for one in gpus.idle:
        has = counted(one.gpus, "GPU")
        lines.append(f"Idle: {one.user}'s notebook {one.pod} holds {has} and was last used {one.since}.")
    return lines
