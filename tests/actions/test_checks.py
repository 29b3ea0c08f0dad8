from __future__ import annotations

import pytest

from mlstack.actions.checks import untold
from mlstack.plan.findings import Finding, Look

MISSING = [
    Look("classes", "RuntimeClass gvisor", Finding("web: RuntimeClass gvisor is not there.")),
    Look("rights", "all 3"),
]


@pytest.mark.parametrize(
    ("problem", "left"),
    [
        ("web can never fit in dev: RuntimeClass gvisor is not there.", False),
        ("web can never fit in dev: RuntimeClass other is not there.", True),
        ("web can never fit in dev: node gvisor has no room.", True),
    ],
)
def test_what_is_missing_is_told_once(problem: str, left: bool) -> None:
    room = [Look("nodes", "web: 1 pod", Finding(problem)), Look("nodes", "ok: 1 pod")]
    assert untold(room, MISSING) == (room if left else room[1:])
