"""What is known of a sandbox without asking it."""

from __future__ import annotations

import json

from mlstack.sandbox import home, state
from mlstack.sandbox.pins import OPERATOR, RUNNING
from mlstack.sandbox.processes import SUPERVISOR
from mlstack.sandbox.state import Record

RECORD = Record(
    "a", "gke", "sandbox-a", "/k", "/b", "ready", True, "", "https://127.0.0.1:20001", {8000: 20_002, 0: 20_003}
)


def test_saved_and_loaded() -> None:
    RECORD.save()
    assert state.load("a") == RECORD
    assert state.records() == [RECORD]
    assert RECORD.but(phase="starting") == state.load("a")


def test_unfinished_or_foreign_is_none() -> None:
    assert state.load("a") is None
    home.write_atomically(home.home("a").state, '{"name": "a"}')
    assert state.load("a") is None


def test_nothing_runs_is_all_dead() -> None:
    found = state.sandbox(RECORD.save())
    assert found.dead == (*RUNNING, SUPERVISOR)
    assert not found.ready
    assert found.as_dict()["simulated"] is True
    assert json.loads(json.dumps(found.as_dict()))["kubeconfig"] == "/k"


def test_the_operator_is_not_missed() -> None:
    assert state.missing(dict.fromkeys((*RUNNING, SUPERVISOR), 1)) == ()


def test_an_operator_that_says_it_runs_and_does_not() -> None:
    place = home.home("a")
    assert state.operator_state(place, {}) == {"state": "absent"}
    home.write_atomically(place.supervisor, json.dumps({"operator": {"state": "running"}}))
    assert state.operator_state(place, {OPERATOR: 1})["state"] == "running"
    assert state.operator_state(place, {})["state"] == "restarting"
