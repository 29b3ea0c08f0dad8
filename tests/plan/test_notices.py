from __future__ import annotations

from dataclasses import replace

from mlstack.compose.manifests import Key
from mlstack.plan.model import Action, Change, FieldChange
from mlstack.plan.notices import notices, unseen_notices

WEB = Key("apps", "Deployment", "a", "web")


def test_one_line_for_each_thing_to_tell() -> None:
    other = replace(WEB, name="other")
    changes = [
        Change(WEB, Action.CHANGE, left=(FieldChange("spec.replicas", 5, 2, "hpa"),), takes=("spec.paused",)),
        Change(other, Action.ADOPT, reason="adopted from ann"),
        Change(other, Action.ADOPT, reason="adopted from bob", blocked="no"),
        Change(other, Action.SHARED, reason="provided by x", live={"metadata": {}}),
    ]
    assert notices(changes) == [
        "Left alone, provided by x: Deployment/other.",
        "Left as conflicts in mlstack.yaml says: Deployment/web spec.replicas (5 by hpa, here 2).",
        "Taken as conflicts in mlstack.yaml says: Deployment/web spec.paused.",
        "Deployment/other: adopted from ann.",
    ]
    assert notices([Change(WEB, Action.UNCHANGED)]) == []


def test_kinds_that_cannot_be_seen_are_named() -> None:
    assert unseen_notices(()) == []
    (said,) = unseen_notices({("x.io", "B"), ("x.io", "A")})
    assert said.startswith("The API of A.x.io, B.x.io does not answer")
