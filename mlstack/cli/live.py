"""A view that is looked at again and again until Ctrl-C."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mlstack.errors import MlstackError


def unseen(error: MlstackError) -> str:
    """A cluster that cannot be reached, as a line of text."""
    return f"Cannot be read now: {error.message}"


def follow(
    look: Callable[[], str],
    interval: float,
    *,
    redrawn: bool | None = None,
    problem: Callable[[MlstackError], str] = unseen,
) -> None:
    """Show what `look` gives every `interval` seconds: in place on a terminal, else whenever it changes.

    While the cluster cannot be reached, show what `problem` makes of the error, and look again. Ends by
    KeyboardInterrupt.
    """
    if sys.stdout.isatty() if redrawn is None else redrawn:
        _redraw(look, interval, problem)
    last = ""
    while True:
        text = _seen(look, problem)
        if text != last:
            click.echo(text)
            last = text
        time.sleep(interval)


def _redraw(look: Callable[[], str], interval: float, problem: Callable[[MlstackError], str]) -> None:
    from rich.live import Live
    from rich.text import Text

    with Live(auto_refresh=False) as live:
        while True:
            live.update(Text.from_ansi(_seen(look, problem)), refresh=True)
            time.sleep(interval)


def _seen(look: Callable[[], str], problem: Callable[[MlstackError], str]) -> str:
    from mlstack.cluster.failures import UnavailableError, UnreachableError

    try:
        return look()
    except (UnavailableError, UnreachableError) as error:
        return problem(error)
