from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.preflight import coming_claims, waiting
from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import outlooks
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.view import View
from mlstack.plan.model import Action, Change, Plan

POD: dict[str, Any] = {
    "metadata": {"namespace": "ml"},
    "spec": {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
}


@pytest.mark.parametrize(
    ("role", "count", "gpus", "said"),
    [
        ("worker", 2, "2", "cnn: 2 workers must wait: 1 of 2 nodes has no GPU free: p (namespace default) holds 2."),
        (
            "",
            1,
            "1",
            "cnn: 1 pod may have to wait: each pod asks 2 nvidia.com/gpu, the largest node (n) has 1; "
            "nodes may still come (autoscaling).",
        ),
    ],
)
def test_one_line_about_what_starts_later(role: str, count: int, gpus: str, said: str) -> None:
    node = {"metadata": {"name": "n"}, "status": {"allocatable": {"nvidia.com/gpu": gpus, "pods": "9"}}}
    other = {**node, "metadata": {"name": "held"}}
    held = {**POD, "metadata": {"name": "p"}, "spec": {**POD["spec"], "nodeName": "held"}}
    there = rooms([node, other] if gpus == "2" else [node], [held])
    ask = Ask("cnn", Key("", "Pod", "ml", "cnn"), role, count, POD)
    (found,) = outlooks(View(there), [ask], grows=Growth(unknown=True), types={})
    assert waiting(found) == said


def test_claims_of_the_plan() -> None:
    keys = [Key("", "PersistentVolumeClaim", "ml", "data"), Key("", "ConfigMap", "ml", "x")]
    plan = Plan("gke", "ml", tuple(Change(key, Action.CREATE) for key in keys))
    assert coming_claims(plan) == {"data"}
