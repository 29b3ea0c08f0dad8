"""diff, apply, status, wait, delete: the commands that talk to an environment's cluster."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from mlstack.errors import MlstackError

from .output import can_ask, counted, emit
from .report import plan_as_dict, plan_text, reporter, summary, title
from .settings import (
    Command,
    Settings,
    component_option,
    output_option,
    pass_settings,
    set_option,
    stream_option,
)

if TYPE_CHECKING:
    from mlstack.actions.delete import Removal
    from mlstack.actions.planning import Scope
    from mlstack.plan.model import Allow, Plan

HUB = ("StatefulSet", "tf-hub")  # what every hub of the prototypes is called


class DataKinds(click.ParamType[frozenset[str]]):
    """Words for kinds that hold data, separated by commas."""

    name = "kinds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> frozenset[str]:
        """The words as a set."""
        from mlstack.plan.kinds import INCLUDES

        words = frozenset(word.strip() for word in str(value).split(",")) - {""}
        for word in sorted(words - set(INCLUDES)):
            self.fail(f"must be of {', '.join(INCLUDES)}, got {word}", param, ctx)
        return words


def include_option(text: str) -> Callable[[Command], Command]:
    """`--include pvc,crd`, repeatable."""
    metavar = "KIND,…"
    return click.option("--include", multiple=True, type=DataKinds(), metavar=metavar, help=text)


class Seconds(click.ParamType[float]):
    """A duration: `90`, `90s`, `10m`, `1h`; seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The text as seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|h)?", value)
        if match is None:
            self.fail(f"{value!r} is no duration (90, 90s, 10m, 1h)", param, ctx)
        return float(match[1]) * {"h": 3600, "m": 60}.get(match[2], 1)


def scope_of(settings: Settings, environment: str, components: tuple[str, ...], sets: tuple[str, ...] = ()) -> Scope:
    """What an action is about: the app, one environment, and the components asked for."""
    from mlstack.actions.planning import Scope

    return Scope(settings.project(), environment, components, sets, settings.kubeconfig)


def allow_options(command: Command) -> Command:
    """The flags that permit what is not harmless."""
    for option in (
        click.option("--adopt", is_flag=True, help="Take objects that others made."),
        click.option("--force-conflicts", is_flag=True, help="Take fields that others own."),
        click.option("--allow-disruption", is_flag=True, help="Restart notebooks, replicas, running jobs."),
        click.option("--recreate", is_flag=True, help="Delete and create what can't change in place."),
        include_option("Delete data too: pvc, pv, crd, namespace, secret, statefulset."),
    ):
        command = option(command)
    return command


def lock_option(command: Command) -> Command:
    """`--lock-timeout`, on what writes to an environment."""
    text = "How long to wait for another apply to end; 0: not at all. [default: 60s, within --timeout]"
    return click.option("--lock-timeout", type=Seconds(), default=None, help=text)(command)


def allow_of(given: dict[str, Any]) -> Allow:
    """The flags of `allow_options`, taken out of a command's arguments."""
    from mlstack.plan.model import Allow

    return Allow(
        adopt=given.pop("adopt"),
        force_conflicts=given.pop("force_conflicts"),
        disruption=given.pop("allow_disruption"),
        recreate=given.pop("recreate"),
        include=frozenset().union(*given.pop("include")),
    )


@click.command()
@click.argument("environment")
@click.argument("other", required=False)
@component_option
@set_option
@allow_options
@output_option
@pass_settings
def diff(
    settings: Settings,
    /,
    environment: str,
    other: str | None,
    components: tuple[str, ...],
    sets: tuple[str, ...],
    output: str,
    **flags: Any,
) -> int:
    """Show what apply would do in ENVIRONMENT; with OTHER compare two environments offline. Exit 16 if they differ."""
    if other is not None:
        from .compose import compare_environments

        return compare_environments(settings, environment, other, components, output)
    from mlstack.actions.diff import diff as action

    found = action(scope_of(settings, environment, components, sets), allow_of(flags))
    changes = [{"key": title(entry.key), "text": entry.text} for entry in found.entries]
    emit({**plan_as_dict(found.plan), "diff": changes}, output, lambda: _diff_text(found))
    return 16 if found.different else 0


def _diff_text(found: Any) -> str:
    if not found.entries:
        name, objects = found.plan.environment, counted(len(found.plan.changes), "object")
        if found.incomplete:
            return "\n".join([*found.plan.notices, f"{name}: no differences seen ({objects})"])
        return f"{name}: no differences ({objects})"
    blocks = []
    for entry in found.entries:
        head = f"{entry.action} {title(entry.key)} ({entry.component})"
        remarks = [f"  {text}" for text in (entry.reason, entry.blocked) if text]
        blocks.append("\n".join([head, *remarks, *([entry.text.rstrip()] if entry.text else [])]))
    return "\n".join([*blocks, *found.plan.notices, summary(found.plan)])


@click.command()
@click.argument("environment")
@component_option
@set_option
@allow_options
@click.option("--dry-run", is_flag=True, help="Let the cluster check everything and keep nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is ready.")
@click.option("--wait", type=click.Choice(["ready", "finished"]), default="ready", help="For what to wait.")
@click.option("--timeout", type=Seconds(), default=600, help="How long to wait (90s, 10m). [default: 10m]")
@click.option("--fail-fast/--no-fail-fast", default=None, help="Stop waiting for what can't succeed.")
@lock_option
@click.option("--replan", is_flag=True, help="Go on if the plan changes after it was confirmed.")
@click.option("--no-preflight", is_flag=True, help="Apply whatever is in the way (see check).")
@click.option("--yes", is_flag=True, help="Do not ask.")
@stream_option
@pass_settings
def apply(
    settings: Settings, /, environment: str, components: tuple[str, ...], sets: tuple[str, ...], **given: Any
) -> None:
    """Bring ENVIRONMENT's cluster to what the app describes, and wait until it is ready."""
    from mlstack.actions.apply import ApplyOptions
    from mlstack.actions.apply import apply as action

    allow = allow_of(given)
    scope = scope_of(settings, environment, components, sets)
    fail_fast = given["fail_fast"] if given["fail_fast"] is not None else not can_ask()
    wait = "none" if given["no_wait"] else given["wait"]
    options = ApplyOptions(
        allow,
        wait,
        given["timeout"],
        fail_fast,
        given["dry_run"],
        given["lock_timeout"],
        given["replan"],
        preflight=not given["no_preflight"],
        yes=given["yes"],
    )
    with closing(reporter(given["output"])) as report:
        outcome = action(scope, options, report, confirmation(given))
    if given["output"] == "text" and outcome.applied:
        next_step(outcome.plan)


def next_step(plan: Plan) -> None:
    """Where to go from here, if a notebook hub is there after it."""
    gone = ("prune", "keep")
    if any((one.key.kind, one.key.name) == HUB and one.action not in gone for one in plan.changes):
        click.echo(f"Notebook: mlstack notebook {plan.environment}")


def confirmation(given: Mapping[str, Any], always: str = "") -> Callable[[Plan], bool | None]:
    """Show a plan and ask, where the plan has a reason to ask or the command gives one (`always`), unless --yes.

    Refuses where stdin is not a terminal; None: no question.
    """

    def confirm(plan: Plan) -> bool | None:
        why = plan.asks or always
        if why and given["output"] == "text":
            click.echo(plan_text(plan))
        if given["yes"] or not why:
            return None
        return ask(why, f"{why}. {summary(plan)}. Go on?")

    return confirm


def ask(why: str, question: str) -> bool:
    """A person's answer. Raises MlstackError, which says `why` it had to be asked, where nobody sits there."""
    if not can_ask():
        raise MlstackError(f"{why}, and stdin is not a terminal; nothing was changed.", "Add --yes.")
    return click.confirm(question, err=True)


@click.command()
@click.argument("environment")
@component_option
@click.option("--for", "what", type=click.Choice(["ready", "finished"]), default="ready", help="What to wait for.")
@click.option("--timeout", type=Seconds(), default=600, help="How long (90s, 10m). [default: 10m]")
@click.option("--fail-fast/--no-fail-fast", default=None, help="Stop waiting for what can't succeed.")
@stream_option
@pass_settings
def wait(
    settings: Settings,
    environment: str,
    components: tuple[str, ...],
    what: str,
    timeout: float,
    fail_fast: bool | None,
    output: str,
) -> None:
    """Wait until ENVIRONMENT's objects are ready, or its runs have finished. Exit 3: not in time; 4: a run failed."""
    from mlstack.actions.wait import wait_for

    quick = fail_fast if fail_fast is not None else not can_ask()
    with closing(reporter(output)) as report:
        wait_for(
            scope_of(settings, environment, components),
            what=what,
            timeout_s=timeout,
            fail_fast=quick,
            on_event=report,
        )


@click.command()
@click.argument("environment")
@component_option
@include_option("Delete data too: pvc, pv, crd, namespace, secret, statefulset.")
@click.option("--dry-run", is_flag=True, help="Say what would go, and change nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is gone.")
@click.option("--timeout", type=Seconds(), default=600, help="How long to wait. [default: 10m]")
@lock_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@stream_option
@pass_settings
def delete(settings: Settings, /, environment: str, components: tuple[str, ...], **given: Any) -> None:
    """Remove from ENVIRONMENT's cluster what mlstack applied; volumes, CRDs and namespaces stay unless included."""
    from mlstack.actions.delete import delete as action

    with closing(reporter(given["output"])) as report:
        done = action(
            scope_of(settings, environment, components),
            include=frozenset().union(*given["include"]),
            timeout_s=given["timeout"],
            wait=not given["no_wait"],
            dry_run=given["dry_run"],
            lock_timeout_s=given["lock_timeout"],
            yes=given["yes"],
            on_event=report,
            confirm=_confirm_delete(environment, given["output"]),
        )
    if given["output"] == "text":
        kept = f", kept {', '.join(title(key) for key in done.kept)}" if done.kept else ""
        would = "would remove" if given["dry_run"] else "removed"
        click.echo(f"{environment}: {would} {counted(len(done.removed), 'object')}{kept}")
        for line in done.left:
            click.echo(line)


def _confirm_delete(environment: str, output: str) -> Callable[[Removal], bool | None]:
    def confirm(removal: Removal) -> bool | None:
        if output == "text":
            for line in (*(f"    delete    {title(key)}" for key in removal.keys), *removal.loses):
                click.echo(line)
        what = f"{counted(len(removal.keys), 'object')} from {environment}"
        why = f"{environment} is protected" if removal.protected else f"Removing {what} must be confirmed"
        return ask(why, f"Remove {what}?")

    return confirm
