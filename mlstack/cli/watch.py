"""status --watch: how environments stand, as it changes."""

from __future__ import annotations

import time
from collections.abc import Sequence

import click

from mlstack.actions.session import Scope

from .output import event_line


def watch(scopes: Sequence[Scope], interval: float, output: str) -> None:
    """Print the status of the scopes again whenever it changes, until Ctrl-C."""
    from mlstack.actions.status import status

    from .status import status_as_dict, status_text

    last: list[object] = [None] * len(scopes)
    while True:
        for position, scope in enumerate(scopes):
            found = status(scope)
            if status_as_dict(found) != last[position]:
                last[position] = status_as_dict(found)
                click.echo(event_line(last[position]) if output == "json" else status_text(found))
        time.sleep(interval)
