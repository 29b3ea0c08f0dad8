from __future__ import annotations

from dataclasses import replace

from mlstack.compose.manifests import Key
from mlstack.plan.model import Action, Change, FieldChange, Plan
from mlstack.plan.moved import moves
from mlstack.plan.stages import NAMESPACES

A, B, N = Key("", "ConfigMap", "n", "a"), Key("apps", "Deployment", "n", "b"), Key("", "Namespace", "", "n")
CREATE = Change(A, Action.CREATE, "web")
CHANGE = Change(B, Action.CHANGE, "web", fields=(FieldChange("spec.replicas", 1, 2),))


def plan(*changes: Change) -> Plan:
    return Plan("gke", "n", changes)


def test_the_same_plan_did_not_move() -> None:
    namespace = Change(N, Action.CREATE, "", NAMESPACES)
    generated = replace(CREATE, manifest={"data": {"password": "another each time"}})
    assert moves(plan(namespace, CREATE, CHANGE), plan(generated, CHANGE)) == []


def test_what_moved_is_told_object_by_object() -> None:
    other = replace(CHANGE, fields=(FieldChange("spec.replicas", 5, 2),))
    foreign = Change(A, Action.FOREIGN, "web", blocked="exists, not ours")
    pruned = Change(Key("", "Secret", "n", "c"), Action.PRUNE, "web")
    assert moves(plan(CREATE, CHANGE), plan(foreign, other, pruned)) == [
        "ConfigMap/a: create then, foreign now",
        "Deployment/b: other fields differ now (spec.replicas)",
        "Secret/c: not there then, prune now",
    ]


def test_a_new_interruption_is_a_move() -> None:
    assert moves(plan(CHANGE), plan(replace(CHANGE, disruption="restarts b"))) == ["Deployment/b: restarts b"]
    assert moves(plan(replace(CHANGE, disruption="restarts b")), plan(CHANGE)) == [
        "Deployment/b: interrupts nothing any more"
    ]
