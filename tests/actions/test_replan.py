from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from mlstack.actions import replan
from mlstack.actions.events import Event, Notice, Planned
from mlstack.actions.planning import Planning
from mlstack.actions.reading import Reading
from mlstack.actions.session import Session
from mlstack.cluster.store import Parent
from mlstack.compose.manifests import Key
from mlstack.plan.decide import Snapshot
from mlstack.plan.model import Action, Allow, Change, Plan

A = Key("", "ConfigMap", "n", "a")
SESSION = cast(
    "Session",
    SimpleNamespace(
        connection=SimpleNamespace(discovery=SimpleNamespace(refresh=lambda: None)),
        scope=SimpleNamespace(environment="gke"),
    ),
)


def planning(action: Action) -> Planning:
    reading = Reading(Snapshot({}), Parent("ConfigMap", "n", "x", version="1"))
    return Planning(Plan("gke", "n", (Change(A, action, "web"),)), (), reading)


BEFORE, SAME, OTHER = planning(Action.CREATE), planning(Action.CREATE), planning(Action.UNCHANGED)


def again(
    monkeypatch: pytest.MonkeyPatch, version: str, now: Planning, **how: Any
) -> tuple[Planning, list[type[Event]]]:
    monkeypatch.setattr(replan, "read_parent", lambda session: Parent("ConfigMap", "n", "x", version=version))
    monkeypatch.setattr(replan, "plan_session", lambda session, allow: now)
    events: list[Event] = []
    how = {"confirmed": False, "accept": False, **how}
    return replan.planned_again(SESSION, BEFORE, Allow(), events.append, **how), [type(event) for event in events]


def test_planned_again_only_if_another_apply_left_its_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(monkeypatch, "1", OTHER) == (BEFORE, [])
    assert again(monkeypatch, "2", SAME) == (SAME, [])
    assert again(monkeypatch, "2", OTHER) == (OTHER, [Notice, Planned])


def test_what_a_person_agreed_to_is_read_again_and_not_exchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    assert again(monkeypatch, "1", SAME, confirmed=True) == (SAME, [])
    with pytest.raises(replan.MovedError, match="ConfigMap/a: create then, unchanged now"):
        again(monkeypatch, "1", OTHER, confirmed=True)
    assert again(monkeypatch, "1", OTHER, confirmed=True, accept=True) == (OTHER, [Notice, Planned])
