from __future__ import annotations

import pytest

from mlstack.actions.checks import untold
from mlstack.plan.findings import Finding, Look

GVISOR = ("RuntimeClass", "", "gvisor")
MISSING = [
    Look("classes", "RuntimeClass gvisor", Finding("web: RuntimeClass gvisor is not there."), missing=(GVISOR,)),
    Look("rights", "all 3"),
]


@pytest.mark.parametrize(
    ("missing", "left"),
    [
        ((GVISOR,), False),
        ((("RuntimeClass", "", "other"),), True),
        ((("PersistentVolumeClaim", "ml", "gvisor"),), True),
        ((GVISOR, ("PersistentVolumeClaim", "ml", "data")), True),
        ((), True),
    ],
)
def test_what_is_missing_is_told_once(missing: tuple[tuple[str, str, str], ...], left: bool) -> None:
    problem = Finding("web can never fit in dev: RuntimeClass gvisor is not there.")  # its words decide nothing
    room = [Look("nodes", "web: 1 pod", problem, missing=missing), Look("nodes", "ok: 1 pod")]
    assert untold(room, MISSING) == (room if left else room[1:])
