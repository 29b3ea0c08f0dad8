from __future__ import annotations

import copy
from typing import Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.answered import answers, state, state_asked
from mlstack.plan.model import Action, Change

SENT = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"x": "1"}, "immutable": None}
MINE = {"manager": "m", "operation": "Apply", "time": "10:00", "fieldsV1": {"f:data": {"f:x": {}}}}
OTHER = {"manager": "kubelet", "operation": "Update", "subresource": "status", "time": "10:00", "fieldsV1": {}}
LIVE: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "resourceVersion": "5", "generation": 1, "managedFields": [MINE, OTHER]},
    "data": {"x": "1"},
}


def changed(*steps: str | int, to: Any) -> dict[str, Any]:
    live = copy.deepcopy(LIVE)
    at: Any = live
    for step in steps[:-1]:
        at = at[step]
    at[steps[-1]] = to
    return live


@pytest.mark.parametrize(
    "live",
    [
        changed("metadata", "resourceVersion", to="6"),
        changed("metadata", "managedFields", 0, "time", to="11:00"),
        changed("metadata", "managedFields", 1, "fieldsV1", to={"f:status": {}}),
        changed("status", to={"phase": "Bound"}),
    ],
)
def test_what_passes_changes_no_state(live: dict[str, Any]) -> None:
    assert state(SENT, live) == state(SENT, LIVE)


@pytest.mark.parametrize(
    ("sent", "live"),
    [
        ({**SENT, "immutable": False}, LIVE),
        (SENT, changed("data", "x", to="2")),
        (SENT, changed("metadata", "labels", to={"a": "b"})),
        (SENT, changed("metadata", "managedFields", 0, "fieldsV1", to={})),
        (SENT, changed("metadata", "managedFields", 0, "operation", to="Update")),
        ({**SENT, "status": {"phase": "new"}}, changed("status", to={"phase": "new"})),
    ],
)
def test_what_is_merged_changes_it(sent: dict[str, Any], live: dict[str, Any]) -> None:
    assert state(sent, live) != state(SENT, LIVE)


def test_a_status_counts_where_somebody_holds_it_as_a_field() -> None:
    held = changed("metadata", "managedFields", 0, "fieldsV1", to={"f:status": {"f:phase": {}}})
    assert state(SENT, {**held, "status": {"phase": "a"}}) != state(SENT, {**held, "status": {"phase": "b"}})


def test_an_answer_to_another_state_is_none() -> None:
    assert state_asked(SENT, LIVE, LIVE) == state(SENT, LIVE)
    assert state_asked(SENT, LIVE, changed("metadata", "resourceVersion", to="6")) == ""


def test_only_what_was_asked_about_is_remembered() -> None:
    asked, other = Key("", "ConfigMap", "n", "a"), Key("", "ConfigMap", "n", "b")
    changes = [Change(asked, Action.UNCHANGED, answered="abc"), Change(other, Action.UNCHANGED)]
    assert answers(changes) == {"ConfigMap./n/a": "abc"}
