from __future__ import annotations

import pytest

from mlstack.actions.events import Failed
from mlstack.actions.outcome import (
    ApplyFailedError,
    LateError,
    PlanBlockedError,
    UnconfirmedError,
    confirmed,
    lock_seconds,
)
from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
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


def test_what_was_not_sent_is_named() -> None:
    later = [B, *(Key("", "Secret", "n", f"s{number:02}") for number in range(20))]
    told = ApplyFailedError([Failed(A, "no such field")], "gke", later).message.splitlines()
    assert told[0] == "1 object could not be applied."
    assert told[-1].startswith("  Not sent, as it needs what failed: Deployment/b, Secret/s00, ")
    assert told[-1].endswith("Secret/s10 and 9 more.")


def test_what_was_not_pruned_is_named() -> None:
    told = ApplyFailedError([Failed(A, "no such field")], "gke", (), [B]).message.splitlines()
    assert told[-1] == "  Not pruned, as something failed: Deployment/b."


def test_who_has_seen_the_refusals_is_told_the_names() -> None:
    error = ApplyFailedError([Failed(A, "no such field")], "gke", [B], told=True)
    assert error.brief == (
        "1 object could not be applied: ConfigMap/a.\n  Not sent, as it needs what failed: Deployment/b."
    )
    assert "no such field" in error.message
    assert ApplyFailedError([Failed(A, "no such field")], "gke").brief == ""


def test_what_waits_for_its_operator_is_named() -> None:
    error = LateError([B], "gke")
    assert (error.message, error.hint) == (
        "Not sent, as the operator was not ready: Deployment/b.",
        "Once it is: mlstack apply gke",
    )
    assert error.exit_code == 3


@pytest.mark.parametrize(("agreed", "asks", "found"), [(None, "", False), (True, "", True), (True, "x", True)])
def test_who_agreed(agreed: bool | None, asks: str, found: bool) -> None:
    assert confirmed(agreed, asks) is found


def test_who_did_not_agree() -> None:
    with pytest.raises(MlstackError, match="Nothing was changed"):
        confirmed(False, "")
    with pytest.raises(UnconfirmedError, match="gke is protected, and the change was not confirmed; nothing"):
        confirmed(None, "gke is protected")


def test_another_apply_is_waited_for_within_the_time_for_everything() -> None:
    assert [lock_seconds(None, 600), lock_seconds(None, 5), lock_seconds(90, 5)] == [60, 5, 90]
