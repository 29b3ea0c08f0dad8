"""logs: what a component's pods say."""

from __future__ import annotations

import itertools
import json
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from .output import note
from .run import Seconds, scope_of
from .settings import Settings, pass_settings, stream_option

if TYPE_CHECKING:
    from mlstack.actions.events import LogLine

# Told apart on light and dark grounds alike; red is for what is wrong.
COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "bright_cyan", "bright_green", "bright_magenta", "bright_blue")


@click.command()
@click.argument("environment")
@click.argument("target", metavar="COMPONENT[/ROLE[-INDEX]]")
@click.option("-f", "--follow", is_flag=True, help="Go on as they grow and pods come, until the run ends, or Ctrl-C.")
@click.option("--since", type=Seconds(), default=None, help="Only lines so young (90s, 10m, 1h).")
@click.option("--tail", type=click.IntRange(0), default=None, help="Only so many last lines of each container.")
@click.option("--previous", is_flag=True, help="Of the containers' former lives, as after a crash.")
@click.option("--container", default="", help="Only of containers called so.")
@click.option("--metrics", is_flag=True, help="Not the lines but how fast the training goes.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="With --metrics: draw it into a file.")
@stream_option
@pass_settings
def logs(settings: Settings, /, environment: str, target: str, output: str, **given: Any) -> None:
    """Print what the pods of COMPONENT in ENVIRONMENT say, each line with its pod where there are several.

    cnn/worker means all workers of the job cnn, cnn/worker-3 one of them; a pod's name is right, too.
    """
    from mlstack.actions.logs import logs as action
    from mlstack.actions.logtarget import LogOptions

    if given["follow"] and given["previous"]:
        raise click.UsageError("--previous is what was said before: it cannot be followed.")
    if given["svg"] and not given["metrics"]:
        raise click.UsageError("--svg draws what --metrics shows: say both.")
    chosen = (given["follow"], given["tail"], given["since"], given["previous"], given["container"])
    options = LogOptions(*chosen, progress=given["metrics"])
    scope = scope_of(settings, environment, ())
    if given["metrics"]:
        from .metrics import MetricsView, watched

        view = MetricsView(f"{target} in {environment}", output, given["svg"], live=given["follow"])
        watched(view, lambda: action(scope, target, view, note, options))
        return
    with suppress(KeyboardInterrupt) if given["follow"] else nullcontext():
        action(scope, target, writer(output), note, options)


def writer(output: str) -> Callable[[Sequence[LogLine]], None]:
    """Prints lines a batch at a time: one write, however many."""
    text = as_json if output == "json" else titled(coloured=sys.stdout.isatty() and not os.environ.get("NO_COLOR"))

    def write(lines: Sequence[LogLine]) -> None:
        if lines:
            click.echo("\n".join(map(text, lines)))

    return write


def titled(*, coloured: bool) -> Callable[[LogLine], str]:
    """A line behind the name of who said it, each in a colour of its own on a terminal."""
    colours, prefixes = itertools.cycle(COLOURS), dict[str, str]()

    def text(line: LogLine) -> str:
        if not line.several:
            return line.line
        if line.title not in prefixes:
            plain = f"[{line.title}]"
            prefixes[line.title] = click.style(plain, fg=next(colours)) if coloured else plain
        return f"{prefixes[line.title]} {line.line}"

    return text


def as_json(line: LogLine) -> str:
    """A line as an event."""
    facts = {"event": "log-line", **vars(line)}
    return json.dumps(facts, ensure_ascii=False, separators=(",", ":"))
