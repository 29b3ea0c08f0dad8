"""check: what is in the way of an app on an environment's cluster."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import click

from .output import counted, emit, table
from .run import scope_of
from .settings import Settings, output_option, pass_settings, set_option

if TYPE_CHECKING:
    from mlstack.actions.check import Checked


@click.command()
@click.argument("environment")
@click.argument("components", nargs=-1)
@set_option
@output_option
@pass_settings
def check(settings: Settings, environment: str, components: tuple[str, ...], sets: tuple[str, ...], output: str) -> int:
    """Say what ENVIRONMENT's cluster lacks of what the app needs, and what to do. Exit 1 if something does."""
    from mlstack.actions.check import check as action

    found = action(scope_of(settings, environment, components, sets))
    emit(checked_as_dict(found), output, lambda: checked_text(found))
    return 1 if found.errors else 0


def checked_as_dict(found: Checked) -> dict[str, Any]:
    """The answer as plain data."""
    return {
        **dataclasses.asdict(found.connected),
        "checks": [dataclasses.asdict(row) for row in found.rows],
        "findings": [
            {"severity": one.severity, "problem": one.problem, "advice": one.advice} for one in found.findings
        ],
        "requests": found.requests,
    }


def checked_text(found: Checked) -> str:
    """What was looked at, as a table; then what is in the way, each with what to do; then the sum."""
    link = found.connected
    head = f"{link.environment}: context {link.context} ({link.server}), cluster {link.cluster[:8]}, "
    lines = [f"{head}namespace {link.namespace}"]
    shown = table(("checked", "", ""), [(row.topic, row.state, row.what) for row in found.rows])
    lines += [f"  {line}" for line in shown.splitlines()[1:]]
    for one in found.findings:
        lines += [f"{one.severity.capitalize()}: {one.problem}", *([f"  {one.advice}"] if one.advice else [])]
    return "\n".join([*lines, f"{link.environment}: {_sum(found)} ({counted(found.requests, 'request')})"])


def _sum(found: Checked) -> str:
    warnings = len(found.findings) - found.errors
    if not found.findings:
        hidden = any(row.state == "cannot see" for row in found.rows)
        return f"nothing is in the way{', as far as can be seen' if hidden else ''}"
    told = [counted(number, word) for number, word in ((found.errors, "error"), (warnings, "warning")) if number]
    return ", ".join(told)
