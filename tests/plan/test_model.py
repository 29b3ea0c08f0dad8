from __future__ import annotations

from mlstack.compose.manifests import Key
from mlstack.plan.model import ABSENT, WRITES, Action, Change, Plan

MANIFEST = {"kind": "X"}


def change(action: Action, name: str = "x", stage: int = 2, blocked: str = "") -> Change:
    sent = MANIFEST if action not in (Action.PRUNE, Action.KEEP) else None
    return Change(Key("", "X", "n", name), action, "c", stage, sent, blocked=blocked)


def test_what_a_plan_says_of_itself() -> None:
    changes = (
        change(Action.CREATE, "b", 4),
        change(Action.CHANGE, "a", 2),
        change(Action.UNCHANGED),
        change(Action.PRUNE),
        change(Action.FOREIGN, blocked="not ours"),
    )
    plan = Plan("gke", "n", changes)
    assert [one.action for one in plan.writes] == [Action.CREATE, Action.CHANGE, Action.PRUNE]
    assert [one.blocked for one in plan.blocked] == ["not ours"]
    assert plan.counts == dict.fromkeys((one.action for one in changes), 1)
    assert plan.count(Action.CREATE, Action.CHANGE) == 2
    assert [(number, [one.key.name for one in some]) for number, some in plan.stages] == [(2, ["a"]), (4, ["b"])]


def test_nothing_foreign_done_or_kept_is_written() -> None:
    left = {Action.UNCHANGED, Action.FOREIGN, Action.SHARED, Action.DONE, Action.KEEP, Action.HELD}
    assert set(Action) - WRITES == left
    assert str(ABSENT) == "-"
