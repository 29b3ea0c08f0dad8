"""What a wait sees of its targets, by what watches tell of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest

from mlstack.actions import sight
from mlstack.actions.sight import Sight
from mlstack.actions.watches import Seen, Target
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.watch import Event
from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.runs import RunState, state_of

TIME = "2026-11-23T12:00:00Z"


def job(version: int, condition: str = "", *, leaving: bool = False) -> Manifest:
    leaves = {"deletionTimestamp": TIME} if leaving else {}
    metadata = {"name": "a", "namespace": "n", "resourceVersion": str(version), **leaves}
    conditions = [{"type": condition, "status": "True", "message": "why"}] if condition else []
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": metadata,
        "spec": {},
        "status": {"conditions": conditions},
    }


def web(version: int) -> Manifest:
    metadata = {"name": "a", "namespace": "n", "resourceVersion": str(version)}
    failed = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "status": {"conditions": [failed]}}


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sight]:
    """`seen(live, events...)`: the sight of a target that stood like `live`, once its watch has told of these."""

    def make(live: Manifest, *events: Event) -> Sight:
        tell: list[Callable[[Seen], None]] = []
        monkeypatch.setattr(sight, "Watches", lambda _client, told: tell.append(told))
        resource = well_known(live["apiVersion"], live["kind"])
        found = Sight(cast("Client", None), [Target(key_of(live), "train", resource, live)], lambda _: None)
        for event in events:
            tell[0](event)
        found.take(0)
        return found

    return make


@pytest.mark.parametrize(("condition", "outcome"), [("Complete", RunState.SUCCEEDED), ("Failed", RunState.FAILED)])
@pytest.mark.parametrize("told", [["ended", "leaving", "gone"], ["ended", "gone"], ["leaving", "gone"], ["gone"]])
def test_a_run_that_its_ttl_removes_stands_as_it_ended(
    seen: Callable[..., Sight], told: list[str], condition: str, outcome: RunState
) -> None:
    """The whole story, in whatever part it is told: a watch that begins late starts from what there is."""
    story = {
        "ended": Event("MODIFIED", job(3, condition)),
        "leaving": Event("MODIFIED", job(4, condition, leaving=True)),
        "gone": Event("DELETED", job(5, condition, leaving=True)),
    }
    found = seen(job(2), *[story[part] for part in told])
    ((key, live),) = found.lives.items()
    assert (state_of(live, None), key in found.gone) == (outcome, False)


@pytest.mark.parametrize(("live", "last"), [(job(2), job(3)), (web(2), web(3))], ids=["running", "no run"])
def test_what_is_deleted_before_it_ended_is_gone(seen: Callable[..., Sight], live: Manifest, last: Any) -> None:
    found = seen(live, Event("DELETED", last))
    assert (found.lives, found.gone) == ({}, {key_of(live)})


def test_what_a_watch_tells_of_a_former_object_is_known(seen: Callable[..., Sight]) -> None:
    found = seen(job(7), Event("MODIFIED", job(5, "Complete")), Event("DELETED", job(6, "Complete")))
    assert list(found.lives.values()) == [job(7)]
