from __future__ import annotations

from mlstack.actions.apply import ApplyFailedError, PlanBlockedError
from mlstack.actions.events import Failed
from mlstack.compose.manifests import Key
from mlstack.plan.model import Action, Change, Plan

A, B = Key("", "ConfigMap", "n", "a"), Key("apps", "Deployment", "n", "b")


def test_a_blocked_plan_is_one_report() -> None:
    changes = (
        Change(A, Action.FOREIGN, blocked="exists, not ours"),
        Change(B, Action.CHANGE, blocked="restarts b"),
        Change(B, Action.UNCHANGED),
    )
    error = PlanBlockedError(Plan("gke", "n", changes))
    assert str(error).splitlines() == [
        "2 changes are refused, so nothing was written.",
        "  ConfigMap/a: exists, not ours",
        "  Deployment/b: restarts b",
    ]
    assert error.exit_code == 1


def test_each_failure_is_named() -> None:
    error = ApplyFailedError([Failed(A, "no such field")], "gke")
    assert error.message == "1 object could not be applied.\n  ConfigMap/a: no such field"
    assert "mlstack apply gke" in error.hint
