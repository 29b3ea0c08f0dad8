"""A view that is looked at again and again until Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click


def follow(look: Callable[[], str], interval: float, *, redrawn: bool | None = None) -> None:
    """Show what `look` gives every `interval` seconds: in place on a terminal, else whenever it changes.

    A cluster that cannot be reached for a while is said, and looked at again. Ends by KeyboardInterrupt.
    """
    if sys.stdout.isatty() if redrawn is None else redrawn:
        _redraw(look, interval)
    last = ""
    while True:
        text = _seen(look)
        if text != last:
            click.echo(text)
            last = text
        time.sleep(interval)


def _redraw(look: Callable[[], str], interval: float) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:
        while True:
            live.update(Text.from_ansi(_seen(look)), refresh=True)
            time.sleep(interval)


def _seen(look: Callable[[], str]) -> str:
    from mlstack.cluster.failures import UnavailableError, UnreachableError

    try:
        return look()
    except (UnavailableError, UnreachableError) as error:
        return f"Not seen now: {error.message}"
