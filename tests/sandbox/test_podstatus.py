"""The templates of pods' statuses, with Go's template language stripped: what is left is a status in YAML."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml

from mlstack.sandbox import podstatus


def plain(template: str) -> Any:
    """The template as YAML: actions that stand alone vanish, first branches of ifs are taken, values become "x"."""
    text = re.sub(r"(?m)^\{\{[^\n]*\}\}\n", "", template)
    text = re.sub(r"\{\{ if (?:(?!\}\}).)*\}\}(.*?)(?:\{\{ else \}\}.*?)?\{\{ end \}\}", r"\1", text)
    return yaml.safe_load(re.sub(r"\{\{.*?\}\}", "x", text))


@pytest.mark.parametrize(
    ("template", "phase", "ready", "state"),
    [
        (podstatus.CREATING, "Pending", "False", "waiting"),
        (podstatus.STUCK_WAITING, "Pending", "False", "waiting"),
        (podstatus.INIT_FAILING, "Pending", "False", "waiting"),
        (podstatus.CRASHED, None, "False", "waiting"),
        (podstatus.RESTARTED, None, "True", "running"),
        (podstatus.BECAME_READY, None, "True", "running"),
        (podstatus.ENDED_BADLY, "Failed", "False", "terminated"),
        (podstatus.ENDED_WELL, "Succeeded", "False", "terminated"),
    ],
)
def test_shape(template: str, phase: str | None, ready: str, state: str) -> None:
    status = plain(template)
    assert status.get("phase") == phase
    assert {c["status"] for c in status["conditions"] if c["type"] in ("Ready", "ContainersReady")} == {ready}
    (container,) = status["containerStatuses"]
    assert list(container["state"]) == [state]


def test_a_running_pod_has_addresses_and_gates() -> None:
    for word in ("podIP:", "podIPs:", "readinessGates", "phase: Running"):
        assert word in podstatus.START_RUNNING
