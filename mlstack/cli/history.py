"""history and rollback: what was applied to an environment, and the way back."""

from __future__ import annotations

import dataclasses
import shlex
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click

from mlstack.plan.model import WRITES
from mlstack.plan.receipts import NOT_READY, told_value

from .output import emit, note, table
from .report import plan_text, reporter
from .run import Seconds, allow_of, allow_options, confirmation, lock_option, scope_of
from .settings import Settings, component_option, output_option, pass_settings, stream_option

if TYPE_CHECKING:
    from mlstack.actions.history import ComponentRun, History
    from mlstack.actions.rollback import Rollback
    from mlstack.plan.receipts import Contents, Receipt
    from mlstack.plan.runrecords import RunRecord


@click.command()
@click.argument("environment")
@click.argument("component", required=False)
@click.option("--revision", type=int, help="Show this revision's parameters, packages and images.")
@click.option("--run", "number", type=int, help="Show this run of COMPONENT: parameters, exit codes, last lines.")
@output_option
@pass_settings
def history(
    settings: Settings,
    environment: str,
    component: str | None,
    revision: int | None,
    number: int | None,
    output: str,
) -> None:
    """List ENVIRONMENT's revisions, or the runs of COMPONENT there with the parameters that differ."""
    from mlstack.actions import history as actions

    if number is not None and component is None:
        raise click.UsageError("--run shows a run of a component: name it.")
    scope = scope_of(settings, environment, ())
    if component is not None and number is not None:
        record = actions.run_record(scope, component, number)
        emit(dataclasses.asdict(record), output, lambda: record_text(record))
    elif component is not None:
        runs = actions.run_history(scope, component)
        emit([dataclasses.asdict(run) for run in runs], output, lambda: runs_text(runs))
    elif revision is not None:
        held = actions.revision_contents(scope, revision)
        emit(contents_as_dict(held), output, lambda: contents_text(held))
    else:
        found = actions.history(scope)
        for text in found.notices:
            note(text)
        emit(dataclasses.asdict(found), output, lambda: history_text(found))


def history_text(found: History) -> str:
    """The revisions as a table, the newest first."""
    if not found.revisions:
        return f"{found.environment}: nothing was applied yet."
    rows = [
        (one.revision, one.when, one.who, _what(one), _state(one), _commit(one), _remarks(one))
        for one in found.revisions
    ]
    text = table(("revision", "when", "who", "what", "state", "commit", ""), rows)
    if found.former:
        text += f"\nThe cluster is at revision {found.former} since a rollback; the files may be ahead of it."
    return text


def _what(one: Receipt) -> str:
    wrote = [f"{action} {count}" for action, count in one.counts.items() if action in {str(write) for write in WRITES}]
    return ", ".join(wrote)


def _state(one: Receipt) -> str:
    which = one.not_ready()
    return f"{NOT_READY}: {', '.join(which)}" if one.state() == NOT_READY else one.state()


def _commit(one: Receipt) -> str:
    return one.commit[:10] + ("+changes" if one.dirty else "")


def _remarks(one: Receipt) -> str:
    only = f"only {', '.join(one.components)}" if one.components else ""
    back = f"rollback to {one.former}" if one.former else ""
    return "; ".join(filter(None, (back, only, "" if one.chunks else "no rollback to it")))


def runs_text(runs: list[ComponentRun]) -> str:
    """A component's runs as a table, the newest first."""
    rows = [
        (run.number or "", run.object, run.started, run.ended, run.outcome, run.by, _run_remarks(run)) for run in runs
    ]
    return table(("run", "object", "started", "ended", "outcome", "by", "parameters that differ"), rows)


def _run_remarks(run: ComponentRun) -> str:
    more = f"{run.more} more" if run.more else ""
    return "; ".join(filter(None, (", ".join(filter(None, (_differing(run.params), more))), run.reason)))


def record_text(record: RunRecord) -> str:
    """A run: how it ended, what its containers said last, its parameters."""
    kind, _, rest = record.object.partition(".")
    ended = f", ended {record.ended}" if record.ended else ""
    lines = [f"run {record.number} of {record.component} ({kind}/{rest.rpartition('/')[2]}): {record.outcome}"]
    lines.append(f"started {record.started} by {record.by}{ended}")
    lines += [record.reason] if record.reason else []
    for end in record.containers:
        lines += ["", f"{end.words}{f' at {end.finished}' if end.finished else ''}. Its last lines:"]
        lines += [f"  {line}" for line in end.lines or ("(none were kept)",)]
    if record.params:
        lines += [
            "",
            table(("parameter", "value"), [(name, _or_default(value)) for name, value in record.params.items()]),
        ]
    return "\n".join(lines)


def _differing(params: Any) -> str:
    return ", ".join(f"{name} {_change(before, after)}" for name, (before, after) in params.items())


def _change(before: Any, after: Any) -> str:
    """Of two lists of arguments only those that differ."""
    if _are_words(before) and _are_words(after):
        gone, new = ([word for word in one if word not in other] for one, other in ((before, after), (after, before)))
        if gone or new:
            return f"{_words(gone) or 'nothing'} -> {_words(new) or 'nothing'}"
    return f"{_or_default(before)} -> {_or_default(after)}"


def _are_words(value: Any) -> bool:
    return isinstance(value, list) and not any(isinstance(one, dict | list) for one in value)


def _words(value: list[Any]) -> str:
    return shlex.join(str(word) for word in value)


def _or_default(value: Any) -> str:
    from mlstack.actions.params import shown

    if _are_words(value) and value:
        return _words(value)
    return "default" if value is None else shown(value)


def contents_as_dict(held: Contents) -> dict[str, Any]:
    """A revision's contents as plain data, the manifests as their names."""
    names = {
        component: [f"{m['kind']}/{m['metadata']['name']}" for m in found]
        for component, found in held.manifests.items()
    }
    fields = ("prototypes", "params", "packages", "images")
    return {"manifests": names, **{name: getattr(held, name) for name in fields}}


def contents_text(held: Contents) -> str:
    """A revision's parameters, and what came from where."""
    params = [
        (component, name, one["place"], _or_default(told_value(one)))
        for component, given in held.params.items()
        for name, one in given.items()
    ]
    origins = [*held.packages.items(), *held.images.items()]
    parts = [table(("component", "parameter", "at", "value"), params)] if params else []
    return "\n".join([*parts, *([table(("package or image", "digest"), origins)] if origins else [])])


@click.command()
@click.argument("environment")
@click.argument("revision", type=int, required=False)
@component_option
@allow_options
@click.option("--files", is_flag=True, help="Bring the values in the app's files back too; comments stay.")
@click.option("--dry-run", is_flag=True, help="Let the cluster check everything and keep nothing.")
@click.option("--no-wait", is_flag=True, help="Do not wait until it is ready.")
@click.option("--timeout", type=Seconds(), default=600, help="How long to wait (90s, 10m). [default: 10m]")
@lock_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@stream_option
@pass_settings
def rollback(
    settings: Settings, /, environment: str, revision: int | None, components: tuple[str, ...], **given: Any
) -> None:
    """Apply a former REVISION of ENVIRONMENT again: by default the last one before that was ready.

    The changes are shown first, and asked for.
    """
    from mlstack.actions.apply import ApplyOptions
    from mlstack.actions.rollback import rollback as action

    allow = allow_of(given)
    wait = "none" if given["no_wait"] else "ready"
    yes = given["yes"]
    options = ApplyOptions(allow, wait, given["timeout"], False, given["dry_run"], given["lock_timeout"], yes=yes)
    ask = confirmation(given, f"{environment} would go back to a former revision")

    with closing(reporter(given["output"])) as report:
        scope = scope_of(settings, environment, components)
        done = action(scope, revision, files=given["files"], options=options, on_event=report, confirm=ask)
    if given["output"] == "text":
        text = plan_text(done.outcome.plan) if given["dry_run"] else ""
        click.echo(text or rollback_text(environment, done, files=given["files"], dry_run=given["dry_run"]))


def rollback_text(environment: str, done: Rollback, *, files: bool, dry_run: bool = False) -> str:
    """Where the cluster and the files are now."""
    number = done.revision.revision
    if dry_run:
        return f"{environment} does not differ from revision {number}."
    if files:
        written = f"written: {', '.join(done.files)}" if done.files else "none differed"
        return f"{environment} is at revision {number} again, and so are the values in the files ({written})."
    return (
        f"{environment} is at revision {number} again; the files are as they were, and the next apply asks first "
        f"(`mlstack rollback {environment} {number} --files` brings their values back)."
    )
