"""The last lines of a failed run, from its record, where its pods are gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mlstack.actions.events import LogLine
from mlstack.actions.follower import OnLines
from mlstack.actions.logtarget import LogTarget
from mlstack.actions.runrecords import read_record
from mlstack.actions.session import Session
from mlstack.plan.inventory import Inventory
from mlstack.plan.runrecords import ContainerEnd, RunRecord


def tell_kept(
    session: Session, meant: LogTarget, inventory: Inventory, on_lines: OnLines, on_notice: Callable[[str], None]
) -> bool:
    """Tell the lines that were kept with a component's last run; whether there were any."""
    numbers = sorted({run.number for run in inventory.runs.values() if run.component == meant.component and run.number})
    for number in reversed(numbers):
        record = read_record(session, meant.component, number)
        lines = list(kept_lines(record, meant)) if record else []
        if record and lines:
            name, tail = session.scope.environment, meant.options.tail
            on_notice(f"{meant.component} has no pods left in {name}. Run {number} {record.outcome}: {record.reason}.")
            on_notice(
                f"The last lines that were kept with it (mlstack history {name} {meant.component} --run {number}):"
            )
            on_lines(lines if tail is None else lines[-tail:] if tail else [])
            return True
    return False


def kept_lines(record: RunRecord, meant: LogTarget) -> Iterator[LogLine]:
    """The kept lines of the containers that are meant."""
    several = len(record.containers) > 1
    for end in record.containers:
        if _is_meant(end, meant):
            for line in end.lines:
                yield LogLine(end.pod, end.container, line, several, end.role)


def _is_meant(end: ContainerEnd, meant: LogTarget) -> bool:
    named = meant.options.container in ("", end.container)
    title = end.role.removesuffix(f"/{end.container}")
    role, _, index = title.rpartition("-")
    return named and meant.wanted in ("", end.pod, title, role if index.isdigit() else title)
