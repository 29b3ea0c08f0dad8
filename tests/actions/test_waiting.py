from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

from mlstack.actions.events import Event, Progress
from mlstack.actions.waiting import Patience, Waited, wait_for_targets
from mlstack.actions.watches import Around, Target
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest, key_of

JOBS = well_known("batch/v1", "Job")
AROUND = Around("", lambda component: {}, {})


def job(name: str, *conditions: str, **status: Any) -> Manifest:
    said = [{"type": kind, "status": "True", "message": "why"} for kind in conditions]
    metadata = {"name": name, "namespace": "n"}
    status = {**status, "conditions": said}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}, "status": status}


def waited(what: str, *lives: Manifest) -> tuple[Waited, list[Event]]:
    """Waits for objects that need no waiting: a client that sends anything would fail."""
    events: list[Event] = []
    client = cast("Client", SimpleNamespace(requests=Counter()))
    targets = [Target(key_of(live), "train", JOBS, live) for live in lives]
    return wait_for_targets(client, targets, Patience(what), AROUND, events.append), events


def test_what_is_ready_is_not_waited_for() -> None:
    found, events = waited("ready", job("a", ready=1), job("b", "Complete"))
    assert (found.ready, found.timed_out, events) == (2, False, [])


def test_a_failed_run_never_becomes_anything_else() -> None:
    live = job("a", "Failed")
    found, events = waited("finished", live, job("b", "Complete"))
    assert (found.ready, found.timed_out) == (1, False)
    assert events == [Progress(key_of(live), False, "", "why", "train")]


def test_a_suspended_run_is_reported_and_not_waited_for() -> None:
    """Somebody has to release it; its state counts as ready, but not as finished."""
    live = {**job("a", "Suspended"), "spec": {"suspend": True}}
    found, events = waited("finished", live, job("b", "Complete"))
    assert (found.timed_out, set(found.suspended)) == (False, {key_of(live)})
    assert events == [Progress(key_of(live), False, "", "suspended (spec.suspend is true)", "train")]
    assert not waited("ready", live)[0].suspended
