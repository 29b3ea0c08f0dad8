from __future__ import annotations

import string

from mlstack.actions.planning import conflicts, make_secret
from mlstack.cluster.failures import Cause, ConflictError
from mlstack.plan.model import FieldChange


def test_secrets_are_long_and_differ() -> None:
    one, two = make_secret("hex", 32), make_secret("hex", 32)
    assert len(one) == len(two) == 32
    assert set(one) <= set("0123456789abcdef")
    assert one != two
    assert set(make_secret("password", 200)) <= set(string.ascii_letters + string.digits)


def test_a_conflict_has_both_values() -> None:
    causes = (Cause('.spec.containers[name="a"].image', "conflict", "ann"), Cause(".spec.x", "conflict", "bob"))
    error = ConflictError("409", causes=causes)
    ours = {"spec": {"containers": [{"name": "a", "image": "1"}], "x": 1}}
    live = {"spec": {"containers": [{"name": "b"}, {"name": "a", "image": "2"}]}}
    assert conflicts(error, ours, live) == (
        FieldChange('spec.containers[name="a"].image', "2", "1", "ann"),
        FieldChange("spec.x", None, 1, "bob"),
    )
