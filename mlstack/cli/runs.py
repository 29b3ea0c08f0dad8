"""run: a component's jobs started on purpose."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import click

from .output import can_ask
from .report import reporter
from .run import Seconds, confirmation, lock_option, scope_of
from .settings import Settings, pass_settings, stream_option


@click.command()
@click.argument("environment")
@click.argument("component")
@click.option("--set", "sets", multiple=True, metavar="PARAM=VALUE", help="For this run alone; repeatable.")
@click.option("--follow", "-f", is_flag=True, help="Show its logs, and end with its outcome.")
@click.option("--allow-disruption", is_flag=True, help="Replace a run that has not ended.")
@click.option("--no-wait", is_flag=True, help="Do not wait until its pods have started.")
@click.option("--timeout", type=Seconds(), default=None, help="How long to wait. [default: 10m; 24h with --follow]")
@lock_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@stream_option
@pass_settings
def run(settings: Settings, /, environment: str, component: str, sets: tuple[str, ...], **given: Any) -> None:
    """Start the run of COMPONENT in ENVIRONMENT again, on purpose. Exit 4 if it fails while it is followed."""
    from mlstack.actions.apply import ApplyOptions
    from mlstack.actions.runs import run as action
    from mlstack.plan.model import Allow

    follow = given["follow"]
    timeout = (86400.0 if follow else 600.0) if given["timeout"] is None else given["timeout"]
    wait = "none" if given["no_wait"] and not follow else "ready"
    allow = Allow(disruption=given["allow_disruption"])
    lock, yes = given["lock_timeout"], given["yes"]
    options = ApplyOptions(allow, wait, timeout, not can_ask(), lock_timeout_s=lock, yes=yes)
    ask = confirmation(given)
    with closing(reporter(given["output"])) as report:
        scope = scope_of(settings, environment, (), sets)
        done = action(scope, component, follow=follow, options=options, on_event=report, confirm=ask)
    if given["output"] == "text":
        state = "succeeded" if done.finished else "started"
        click.echo(f"{component} {state} in {environment} ({done.seconds:.0f} s)")
