"""The progress that TrainJobs of Kubeflow Trainer v2 report in `status.trainerStatus`, as lines of a log."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from mlstack.actions.componentpods import labels_of, namespaces_of
from mlstack.actions.events import LogLine
from mlstack.actions.listing import all_or_raise
from mlstack.actions.progresslines import from_trainer_status
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import Inventory

TRAIN_JOB = ("trainer.kubeflow.org", "TrainJob")


def trainer_status(live: Mapping[str, Any]) -> Mapping[str, Any]:
    """A TrainJob's `status.trainerStatus`, empty for other kinds and where there is none."""
    found: Mapping[str, Any] = (live.get("status") or {}).get("trainerStatus") or {}
    return found if live.get("kind") == TRAIN_JOB[1] else {}


def progress_line(live: Manifest) -> LogLine | None:
    """A TrainJob's reported progress as a line of JSON, None if it reports none."""
    status = trainer_status(live)
    found = from_trainer_status(status)
    if found is None:
        return None
    name = live["metadata"]["name"]
    time = str(status.get("lastUpdatedTime", ""))
    return LogLine(name, "", json.dumps(found), several=True, title=f"TrainJob/{name}", time=time)


def progress_lines(session: Session, component: str, inventory: Inventory) -> list[LogLine]:
    """The progress that a component's TrainJobs report. Sends nothing where the app has no TrainJobs."""
    resource = session.resource_of(*TRAIN_JOB) if TRAIN_JOB in inventory.kinds else None
    if resource is None:
        return []
    client, labels = session.connection.client, labels_of(session, component)
    names = namespaces_of(session, inventory)
    found = client.map(lambda name: objects.list_objects(client, resource, name, labels=labels).items, names)
    return _lines(live for items in all_or_raise(found) for live in items)


def _lines(jobs: Iterable[Manifest]) -> list[LogLine]:
    return [line for line in map(progress_line, jobs) if line is not None]


def progress_words(live: Manifest) -> str:
    """A TrainJob's reported progress for people: `40% done, 12m left, loss 0.31`; "" if it reports none."""
    status = trainer_status(live)
    found = from_trainer_status(status) or {}
    left = status.get("estimatedRemainingSeconds")
    parts = [f"{found['percentage']:g}% done"] if "percentage" in found else []
    parts += [f"{duration(left)} left"] if isinstance(left, int) and left > 0 else []
    parts += [f"{key} {found[key]:g}" for key in ("epoch", "step", "loss") if key in found]
    return ", ".join(parts)


def duration(seconds: int) -> str:
    """A time as 45s, 12m or 1h05m."""
    if seconds < 60:
        return f"{seconds}s"
    hours, minutes = divmod(seconds // 60, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m"
