"""param set, unset, list, diff, explain."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from .groups import Group
from .output import emit, table
from .settings import Settings, output_option, pass_settings
from .start import rows, say

if TYPE_CHECKING:
    from mlstack.actions.paramview import Explained


@click.group(cls=Group)
def param() -> None:
    """Parameters: nearest wins, from the prototype's default to the environment's component."""


ENV = click.option("--env", metavar="ENV", help="For this environment only.")
LOCAL = click.option("--local", is_flag=True, help="For you alone, in the git-ignored file.")


@param.command("set", context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1, required=True, metavar="[COMPONENT] PARAM VALUE")
@ENV
@LOCAL
@pass_settings
def param_set(settings: Settings, words: tuple[str, ...], env: str | None, local: bool) -> None:
    """Set a parameter, read by its declared type; without COMPONENT for all components that know it."""
    from mlstack.actions.params import set_param

    if len(words) not in (2, 3):
        raise click.UsageError(f"param set takes [COMPONENT] PARAM VALUE; these are {len(words)} words.")
    component = words[0] if len(words) == 3 else None
    say(set_param(settings.project(), component, words[-2], words[-1], env, local))


@param.command("unset")
@click.argument("words", nargs=-1, required=True, metavar="[COMPONENT] PARAM")
@ENV
@LOCAL
@pass_settings
def param_unset(settings: Settings, words: tuple[str, ...], env: str | None, local: bool) -> None:
    """Take a parameter out of the file where `param set` puts it."""
    from mlstack.actions.params import unset_param

    if len(words) > 2:
        raise click.UsageError(f"param unset takes [COMPONENT] PARAM; these are {len(words)} words.")
    say(unset_param(settings.project(), words[0] if len(words) == 2 else None, words[-1], env, local))


@param.command("list")
@click.argument("component", required=False)
@click.option("--env", metavar="ENV", help="As this environment has them.")
@output_option
@pass_settings
def param_list(settings: Settings, component: str | None, env: str | None, output: str) -> None:
    """List parameters, their values and where those come from."""
    from mlstack.actions.params import shown
    from mlstack.actions.paramview import list_params

    headers = ("COMPONENT", "PARAMETER", "VALUE", "FROM")
    found = list_params(settings.project(), component, env)
    rows(found, output, headers, lambda one: (one.component, one.name, shown(one.value), one.origin))


@param.command("diff")
@click.argument("left", metavar="ENV1")
@click.argument("right", metavar="ENV2")
@click.option("-c", "--component", help="Only this component.")
@output_option
@pass_settings
def param_diff(settings: Settings, left: str, right: str, component: str | None, output: str) -> None:
    """Show the parameters that differ between two environments."""
    from mlstack.actions.params import shown
    from mlstack.actions.paramview import diff_params

    found = diff_params(settings.project(), left, right, component)
    if not found and output == "text":
        click.echo(f"{left} and {right} have the same parameters.")
        return
    headers = ("COMPONENT", "PARAMETER", left, right, "WHERE")
    rows(
        found,
        output,
        headers,
        lambda one: (
            one.component,
            one.name,
            shown(one.left),
            shown(one.right),
            ", ".join(str(place) for place in (one.left_place, one.right_place) if place),
        ),
    )


@param.command("explain")
@click.argument("component")
@click.argument("name", metavar="PARAM")
@click.option("--env", metavar="ENV", help="As this environment has it.")
@output_option
@pass_settings
def param_explain(settings: Settings, component: str, name: str, env: str | None, output: str) -> None:
    """Show every layer's value of a parameter with its file and line, and which one won."""
    from mlstack.actions.paramview import explain_param

    found = explain_param(settings.project(), component, name, env)
    emit(asdict(found), output, lambda: explained_text(found))


def explained_text(found: Explained) -> str:
    """The layers, nearest first."""
    from mlstack.actions.params import shown

    where = f" in {found.environment}" if found.environment else ""
    steps = [
        (
            f"  {step.where}",
            shown(step.value) if step.given else "-",
            "<- wins" if step.wins else "",
            _remark(step.note),
        )
        for step in found.steps
    ]
    head, *lines = table(("", "", "", ""), steps).splitlines()
    return "\n".join([f"{found.component}.{found.name}{where} = {shown(found.value)}{head}", *lines])


def _remark(note: str) -> str:
    return f"({note})" if note else ""
