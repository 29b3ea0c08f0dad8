from __future__ import annotations

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.places import Place
from mlstack.plan.hints import with_hint
from mlstack.plan.reasons import Reason

SETTINGS = {
    one.name: one
    for one in (
        Setting("num_gpus", 16, "environment", Place("environments/gke.yaml", 14)),
        Setting("spot", False, "component", Place("components/cnn.yaml", 3)),
        Setting("hub_memory", "1Gi"),
        Setting("image", "repo/a:1", "component", Place("components/cnn.yaml", 5)),
    )
}

TABLE = [
    (Reason("R", "resource", "nvidia.com/gpu"), "R (num_gpus = 16, at environments/gke.yaml:14)"),
    (Reason("R", "taint", "spot"), "R (spot = false, at components/cnn.yaml:3)"),
    (Reason("R", "resource", "memory"), "R (hub_memory = 1Gi, the prototype's default)"),
    (Reason("R", "image", "repo/a:1"), "R (image = repo/a:1, at components/cnn.yaml:5)"),
    (Reason("R", "image", "repo/b:1"), "R"),
    (Reason("R", "quota"), "R"),
    (Reason(""), ""),
]


@pytest.mark.parametrize(("reason", "text"), TABLE)
def test_hint(reason: Reason, text: str) -> None:
    assert with_hint(reason, SETTINGS) == text
