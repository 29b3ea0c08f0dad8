from __future__ import annotations

import pytest

from mlstack.actions.planning import Planning
from mlstack.actions.reading import Reading
from mlstack.actions.settling import new_answers, respelled
from mlstack.cluster.store import Parent
from mlstack.compose.manifests import Key
from mlstack.plan.decide import Snapshot
from mlstack.plan.inventory import Inventory, entry
from mlstack.plan.model import Action, Change, Plan
from mlstack.plan.wanted import Wanted

KEY = Key("", "ConfigMap", "n", "a")


@pytest.mark.parametrize(
    ("action", "stored", "run", "found"),
    [
        (Action.UNCHANGED, {entry(KEY): "former"}, "", {entry(KEY): "now"}),
        (Action.UNCHANGED, {entry(KEY): "now"}, "", {}),
        (Action.UNCHANGED, {}, "", {}),  # forgotten: that is stored with all the rest
        (Action.UNCHANGED, {entry(KEY): "former"}, "h", {}),
        (Action.CHANGE, {entry(KEY): "former"}, "", {}),
    ],
)
def test_only_unchanged_objects_with_another_digest(
    action: Action, stored: dict[str, str], run: str, found: dict[str, str]
) -> None:
    reading = Reading(Snapshot(inventory=Inventory(digests=stored)), Parent("ConfigMap", "n", "x"))
    planning = Planning(Plan("gke", "n", (Change(KEY, action, "c"),)), (Wanted(KEY, "c", {}, 2, run, "now"),), reading)
    assert respelled(planning) == found


@pytest.mark.parametrize(
    ("known", "digest", "found"),
    [
        ({}, "now", {entry(KEY): "state"}),
        ({entry(KEY): "former"}, "former", {entry(KEY): "state"}),
        ({entry(KEY): "former"}, "now", {}),  # somebody changes it now and then: no write at each apply
    ],
)
def test_only_answers_that_last_are_written(known: dict[str, str], digest: str, found: dict[str, str]) -> None:
    inventory = Inventory(digests={entry(KEY): digest}, answered=known)
    change = Change(KEY, Action.UNCHANGED, "c", answered="state")
    reading = Reading(Snapshot(inventory=inventory), Parent("ConfigMap", "n", "x"))
    planning = Planning(Plan("gke", "n", (change,)), (Wanted(KEY, "c", {}, 2, "", "now"),), reading)
    assert new_answers(planning) == found
