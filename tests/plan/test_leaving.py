from __future__ import annotations

from typing import Any

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.leaving import left_out
from mlstack.plan.model import FieldChange
from mlstack.plan.rules import Rule

WEB = Key("apps", "Deployment", "a", "web")
WANTED: Manifest = {"spec": {"replicas": 2, "paused": False}}


def live(replicas: int, *owners: str) -> Manifest:
    entries: list[dict[str, Any]] = [{"manager": name, "fieldsV1": {"f:spec": {"f:replicas": {}}}} for name in owners]
    return {"metadata": {"managedFields": entries}, "spec": {"replicas": replicas}}


LEAVE = [Rule("spec.replicas", "leave", "Deployment")]


def test_a_field_that_another_changed_is_left() -> None:
    rest, left = left_out(WANTED, WEB, live(5, "hpa"), "us", LEAVE)
    assert rest == {"spec": {"paused": False}}
    assert left == (FieldChange("spec.replicas", 5, 2, "hpa"),)


def test_what_is_ours_or_the_same_or_of_no_rule_is_sent() -> None:
    assert left_out(WANTED, WEB, live(5, "us"), "us", LEAVE) == (WANTED, ())
    assert left_out(WANTED, WEB, live(2, "hpa"), "us", LEAVE) == (WANTED, ())
    assert left_out(WANTED, WEB, live(5, "hpa"), "us", [Rule("spec.replicas", "take")]) == (WANTED, ())
    other = Key("apps", "StatefulSet", "a", "web")
    assert left_out(WANTED, other, live(5, "hpa"), "us", LEAVE) == (WANTED, ())


def test_several_items_of_a_list_by_one_rule() -> None:
    wanted = {"spec": {"containers": [{"name": name, "image": "1"} for name in "ab"]}}
    nodes: dict[str, Any] = {f'k:{{"name":"{name}"}}': {"f:image": {}} for name in "ab"}
    entry = {"manager": "x", "fieldsV1": {"f:spec": {"f:containers": nodes}}}
    there = {
        "metadata": {"managedFields": [entry]},
        "spec": {"containers": [{"name": name, "image": "2"} for name in "ba"]},
    }
    rest, left = left_out(wanted, WEB, there, "us", [Rule("spec.containers[*].image", "leave")])
    assert rest == {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}}
    assert {change.path for change in left} == {"spec.containers[a].image", "spec.containers[b].image"}
