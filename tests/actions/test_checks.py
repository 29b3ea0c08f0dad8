from __future__ import annotations

import pytest

from mlstack.actions.checks import untold
from mlstack.plan.findings import Finding, Look

MISSING = [
    Look(
        "classes",
        "RuntimeClass gvisor",
        Finding("web: RuntimeClass gvisor is not there."),
        missing=("RuntimeClass", "", "gvisor"),
    ),
    Look("rights", "all 3"),
]


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        (("RuntimeClass", "", "gvisor"), False),
        (("RuntimeClass", "", "other"), True),
        (("PersistentVolumeClaim", "ml", "gvisor"), True),
        (None, True),
    ],
)
def test_what_is_missing_is_told_once(missing: tuple[str, str, str] | None, left: bool) -> None:
    problem = Finding("web can never fit in dev: RuntimeClass gvisor is not there.")  # its words decide nothing
    room = [Look("nodes", "web: 1 pod", problem, missing=missing), Look("nodes", "ok: 1 pod")]
    assert untold(room, MISSING) == (room if left else room[1:])
