"""What an action reports while it runs, as lines for people or JSON lines for programs."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from mlstack.actions import events
from mlstack.plan.model import Action, Plan

from .output import counted, event_line

if TYPE_CHECKING:
    from rich.live import Live

    from mlstack.compose.manifests import Key

# In this order in the plan's one-line summary; the first four always, the others where there are any.
ALWAYS = (Action.CREATE, Action.CHANGE, Action.UNCHANGED, Action.PRUNE)


def title(key: Key) -> str:
    """An object as people say it: Deployment/training-operator."""
    return f"{key.kind}/{key.name}"


def summary(plan: Plan) -> str:
    """The plan's counts in one line."""
    shown = [*ALWAYS, *(action for action in Action if action not in ALWAYS and plan.count(action))]
    return "   ".join(f"{action} {plan.count(action)}" for action in shown)


def plan_text(plan: Plan) -> str:
    """What a plan writes, an object a line."""
    lines = []
    for change in plan.writes:
        fields = ", ".join(f"{one.path} {one.before} -> {one.after}" for one in change.fields[:3])
        lines.append(f"    {change.action:<9} {title(change.key):<34} {fields or change.reason}".rstrip())
    return "\n".join(lines)


class Lines:
    """Events as lines: one per thing that happened. On a terminal the objects waited for are redrawn in place."""

    def __init__(self, *, live: bool | None = None) -> None:
        self.live_wanted = sys.stdout.isatty() if live is None else live
        self.waiting: dict[Key, events.Progress] = {}
        self.live: Live | None = None
        self.heading = ""

    def __call__(self, event: events.Event) -> None:
        handlers: dict[type, Callable[[Any], None]] = {
            events.Connected: self.connected,
            events.Planned: self.planned,
            events.NothingToDo: self.nothing_to_do,
            events.Notice: lambda event: self.say(f"  {event.text}"),
            events.StageDone: self.stage_done,
            events.Failed: self.failed,
            events.Progress: self.progress,
            events.Ready: self.ready,
            events.Removed: lambda event: self.say(f"  removed {title(event.key)}"),
            events.LogLine: lambda event: self.say(log_text(event)),
        }
        handle = handlers.get(type(event))
        if handle is not None:
            handle(event)

    def say(self, line: str) -> None:
        """One line, above the live part if there is one."""
        if self.heading:
            heading, self.heading = self.heading, ""
            self.say(heading)
        if self.live is not None:
            self.live.console.print(line, markup=False, highlight=False)
        else:
            click.echo(line)

    def connected(self, event: events.Connected) -> None:
        """Which cluster this is about: said before anything is written to it, and not where there is nothing to do."""
        where = f"{event.environment}: context {event.context} ({event.server})"
        self.heading = f"{where}, cluster {event.cluster[:8]}, namespace {event.namespace}"

    def planned(self, event: events.Planned) -> None:
        """The counts, and what the reader has to know before it happens."""
        if event.plan.writes or event.plan.blocked:
            self.say(f"  {summary(event.plan)}")
        for text in event.plan.notices:
            self.say(f"  {text}")
        for change in event.plan.changes:
            if change.disruption and not change.blocked:
                self.say(f"  {title(change.key)}: {change.disruption}")

    def nothing_to_do(self, event: events.NothingToDo) -> None:
        """The whole of an apply that writes nothing."""
        self.heading = ""
        unchanged = counted(event.unchanged, "object")
        self.say(f"{event.environment}: nothing to do ({unchanged} unchanged, {event.seconds:.1f} s)")

    def stage_done(self, event: events.StageDone) -> None:
        """One line a stage."""
        failed = f", {event.failed} failed" if event.failed else ""
        sent = f"{event.title:<22} {event.applied:>4} applied{failed}"
        self.say(timed(f"{sent:<46} {event.note}", event.seconds))

    def failed(self, event: events.Failed) -> None:
        """An object that the cluster refused."""
        self.say(f"  failed {title(event.key)}: {event.message}")

    def progress(self, event: events.Progress) -> None:
        """One line per change of state; redrawn in place on a terminal."""
        before = self.waiting.get(event.key)
        if event.ready:
            self.waiting.pop(event.key, None)
        else:
            self.waiting[event.key] = event
        if self.live_wanted:
            self.redraw()
        elif not event.ready and (before is None or _state(before) != _state(event)):
            self.say(progress_line(event))

    def redraw(self) -> None:
        """Draw the objects still waited for, the live part starting with the first of them."""
        from rich.live import Live
        from rich.text import Text

        if self.live is None:
            self.live = Live(refresh_per_second=8, transient=True)
            self.live.start()
        lines = [progress_line(event) for event in list(self.waiting.values())[:20]]
        self.live.update(Text("\n".join(lines)))

    def close(self) -> None:
        """End the live part; to be called however the action ends."""
        if self.live is not None:
            self.live.stop()
            self.live = None

    def ready(self, event: events.Ready) -> None:
        """The wait's good end."""
        self.close()
        self.say(timed(f"{event.what}: {event.ready} of {event.total}", event.seconds))


def timed(text: str, seconds: float) -> str:
    """A line of an apply, with how long it took in one column."""
    return f"  {text:<60} {seconds:>6.1f} s"


def _state(event: events.Progress) -> tuple[str, str]:
    # Two messages of the scheduler differ by the seconds and counts in them without anything having changed.
    return event.progress, re.sub(r"\d+", "", event.reason)


def log_text(event: events.LogLine) -> str:
    """A line of a log as it came; with whose it is where there are several."""
    return f"[{event.title or event.pod}] {event.line}" if event.several else event.line


def progress_line(event: events.Progress) -> str:
    """An object waited for: what, how far, why not yet."""
    return f"    {title(event.key):<34} {event.progress:<6} {event.reason}".rstrip()


class JsonLines:
    """Events as JSON lines: `{"event": "planned", …}` with the same facts as the text."""

    def __call__(self, event: events.Event) -> None:
        click.echo(event_line(event_as_dict(event)))

    def close(self) -> None:
        """Nothing to end."""


def event_as_dict(event: events.Event) -> dict[str, Any]:
    """An event as plain data; a plan as its counts and changes (without manifests, which may be large or secret)."""
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(event).__name__).lower()
    if isinstance(event, events.Planned):
        return {"event": name, **plan_as_dict(event.plan)}
    return {"event": name, **dataclasses.asdict(event)}


def plan_as_dict(plan: Plan) -> dict[str, Any]:
    """A plan as plain data: counts, notices, and every change that is more than "unchanged"."""
    return {
        "environment": plan.environment,
        "namespace": plan.namespace,
        "counts": {str(action): count for action, count in plan.counts.items()},
        "notices": list(plan.notices),
        "changes": [
            {
                **dataclasses.asdict(change.key),
                "action": str(change.action),
                "component": change.component,
                "reason": change.reason,
                "disruption": change.disruption,
                "loses": change.loses,
                "blocked": change.blocked,
            }
            for change in plan.changes
            if change.action != Action.UNCHANGED
        ],
    }


def reporter(output: str) -> Lines | JsonLines:
    """The reporter for `-o text` or `-o json`."""
    return JsonLines() if output == "json" else Lines()
