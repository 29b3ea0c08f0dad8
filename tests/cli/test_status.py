"""What status prints for people; tests/cluster types it for real."""

from __future__ import annotations

from typing import Any

from mlstack.actions.gpus import GpuHours, Gpus
from mlstack.actions.idle import IdleNotebook
from mlstack.actions.status import ComponentStatus, Status
from mlstack.cli.status import gpu_lines, status_text


def status(**given: Any) -> Status:
    """A status of one component."""
    row = ComponentStatus("hub", "demo/hubs/my-hub", "waiting", 1, 2, ("StatefulSet/hub: pulling image",), ("hub:80",))
    values: dict[str, Any] = {
        "environment": "gke",
        "context": "gke",
        "server": "https://1.2.3.4",
        "cluster": "u",
        "namespace": "default",
        "components": (row,),
        "gpus": Gpus(used=10, ours=2, total=14),
        "simulated": True,
        "notices": ("Left alone: x.",),
    }
    return Status(**{**values, **given})


def test_status_for_people() -> None:
    assert status_text(status()).splitlines() == [
        "component  ready    objects  notes",
        "hub        waiting  1/2      StatefulSet/hub: pulling image",
        "reached at hub:80",
        "Left alone: x.",
        "GPUs: 10 of 14 in use, 2 by this app",
        "This is a sandbox: nodes, GPUs and pods are simulated.",
    ]


def test_status_without_gpus_says_nothing_of_them() -> None:
    assert "GPUs" not in status_text(status(gpus=None, simulated=False))


def test_gpus_their_hours_and_idle_notebooks() -> None:
    hours = (GpuHours("cnn", 5.5, "2026-11-23 08:00Z"), GpuHours("llm", 12.0, "2026-11-22 10:00Z"))
    idle = (IdleNotebook("jupyter-ann", "ann", 2, "2026-11-23 08:30Z"),)
    assert gpu_lines(Gpus(4, 2, 16, hours, idle)) == [
        "GPUs: 4 of 16 in use, 2 by this app",
        "GPU-hours of the pods that are there: cnn 5.5 since 2026-11-23 08:00Z, llm 12 since 2026-11-22 10:00Z",
        "Idle: ann's notebook jupyter-ann holds 2 GPUs and was last used 2026-11-23 08:30Z.",
    ]
    assert gpu_lines(Gpus(0, 0, 16)) == ["GPUs: 0 of 16 in use, 0 by this app"]
