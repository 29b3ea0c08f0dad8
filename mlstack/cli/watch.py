"""status --watch: how environments stand, as it changes, side by side."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import click

from .output import event_line

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from mlstack.actions.session import Scope
    from mlstack.actions.status import Status
    from mlstack.actions.watching import View

LEAST_COLUMNS = 56  # narrower than this, environments stand below each other
STYLES = {"yes": "green", "done": "green", "running": "cyan", "waiting": "yellow", "no": "yellow", "failed": "red"}


def watch(scopes: Sequence[Scope], interval: float, output: str) -> None:
    """Show the status of the scopes as it changes, until Ctrl-C: drawn in place on a terminal, else what changed."""
    from mlstack.actions.watching import watch_status

    if output == "text" and sys.stdout.isatty():
        from rich.live import Live

        screen = Live(auto_refresh=False)  # what has no room is cut, and whole at the end
        with suppress(KeyboardInterrupt), screen:
            watch_status(
                scopes, lambda views: screen.update(fitting(views, screen.console), refresh=True), interval_s=interval
            )
        return
    with suppress(KeyboardInterrupt):
        watch_status(scopes, Changes(output, several=len(scopes) > 1), interval_s=interval)


class Changes:
    """Prints each environment's status again when it is another one."""

    def __init__(self, output: str, *, several: bool) -> None:
        self.output, self.several = output, several
        self.last: dict[str, View] = {}

    def __call__(self, views: Sequence[View]) -> None:
        """The views as they are now."""
        for view in views:
            if self.last.get(view.environment) != view and (view.status or view.problem):
                self.last[view.environment] = view
                click.echo(self.line(view) if self.output == "json" else self.block(view))

    def line(self, view: View) -> str:
        """A view as JSON: the status as `status -o json` has it, and why it is not known."""
        from .status import status_as_dict

        known = status_as_dict(view.status) if view.status else {"environment": view.environment}
        return event_line({**known, "problem": view.problem})

    def block(self, view: View) -> str:
        """A view as text."""
        from .status import status_block

        lines = [status_block(view.status, self.several)] if view.status else []
        lines += [f"{view.environment}: {view.problem}"] if view.problem else []
        return "\n".join([*lines, ""] if self.several else lines)


def fitting(views: Sequence[View], console: Console) -> RenderableType:
    """The views for a terminal: where it is too low for all of them, without where components are reached."""
    whole = drawn(views, console.width)
    if len(console.render_lines(whole)) < console.height:
        return whole
    return drawn(views, console.width, brief=True)


def drawn(views: Sequence[View], width: int, *, brief: bool = False) -> RenderableType:
    """The views: side by side as far as they have room, else below each other."""
    from rich.console import Group
    from rich.table import Table

    panels = [panel(view, brief=brief) for view in views]
    if width // max(1, len(panels)) < LEAST_COLUMNS:
        return Group(*panels)
    grid = Table.grid(expand=True)
    for _ in panels:
        grid.add_column(ratio=1)
    grid.add_row(*panels)
    return grid


def panel(view: View, *, brief: bool = False) -> RenderableType:
    """One environment in a frame."""
    from rich.console import Group
    from rich.panel import Panel
    from rich.text import Text

    parts: list[RenderableType] = [components(view.status, brief=brief), *remarks(view.status)] if view.status else []
    parts += [Text(view.problem, style="red")] if view.problem else []
    now = datetime.datetime.now().astimezone().strftime("%H:%M:%S")
    context = f" ({view.status.context})" if view.status and view.status.context != view.environment else ""
    return Panel(Group(*parts), title=f"{view.environment}{context}", subtitle=now, title_align="left")


def components(found: Status, *, brief: bool = False) -> RenderableType:
    """The components: readiness, objects, and beside each why it is not ready and, unless `brief`, its endpoints."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("component", "ready", "objects", "notes"):
        table.add_column(name, overflow="fold")
    for one in found.components:
        reached = one.endpoints if one.ready in ("yes", "running") and not brief else ()
        notes = Text("\n".join((*one.notes, *([f"reached at {', '.join(reached)}"] if reached else []))))
        table.add_row(one.name, Text(one.ready, style=STYLES.get(one.ready, "")), f"{one.present}/{one.total}", notes)
    return table


def remarks(found: Status) -> list[RenderableType]:
    """What stands below the components."""
    from rich.text import Text

    from .status import gpu_lines

    lines = [*found.notices, *(gpu_lines(found.gpus) if found.gpus else [])]
    lines += ["simulated (a sandbox)"] if found.simulated else []
    return [Text(line, style="dim") for line in lines]
