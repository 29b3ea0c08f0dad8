from __future__ import annotations

from mlstack.actions.asking import conflicts
from mlstack.cluster.failures import Cause, ConflictError
from mlstack.plan.model import ABSENT, FieldChange


def test_a_conflict_has_both_values() -> None:
    causes = (Cause('.spec.containers[name="a"].image', "conflict", "ann"), Cause(".spec.x", "conflict", "bob"))
    error = ConflictError("409", causes=causes)
    ours = {"spec": {"containers": [{"name": "a", "image": "1"}], "x": 1}}
    live = {"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "2"}]}}
    assert conflicts(error, ours, live) == (
        FieldChange("spec.containers[a].image", "2", "1", "ann"),
        FieldChange("spec.x", ABSENT, 1, "bob"),
    )
