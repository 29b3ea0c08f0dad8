from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.priorities import Priorities

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

CLASSES: dict[str, dict[str, Any]] = {
    "high": {"value": 1000},
    "patient": {"value": 500, "preemptionPolicy": "Never"},
    "usual": {"value": 7, "globalDefault": True},
}


@pytest.mark.parametrize(
    ("spec", "priority", "pushes"),
    [
        ({"priorityClassName": "high"}, 1000, True),
        ({"priorityClassName": "patient"}, 500, False),
        ({"priorityClassName": "patient", "priority": 3}, 3, False),
        ({"priority": 12, "preemptionPolicy": "Never"}, 12, False),
        ({}, 7, True),
        ({"priorityClassName": "gone"}, 0, True),
    ],
)
def test_a_pods_priority(build: Build, spec: dict[str, Any], priority: int, pushes: bool) -> None:
    known, pod = Priorities(CLASSES), build.pod(**spec)
    assert (known.of(pod), known.pushes(pod)) == (priority, pushes)


def test_without_classes(build: Build) -> None:
    assert Priorities().of(build.pod()) == 0
