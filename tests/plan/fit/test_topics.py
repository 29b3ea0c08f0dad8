"""Which parameter a job that does not fit leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.topics import topic_of
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
TWO = {"allocatable": {GPU: "2"}}
DATA = [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]
TERM = {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}
APART = {"requiredDuringSchedulingIgnoredDuringExecution": [TERM]}
QUOTA = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.nvidia.com/gpu": "1"}}}
ROWS: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any], list[dict[str, Any]], tuple[str, str]]] = [
    ("too many a worker", TWO, {GPU: "16"}, {}, [], ("resource", GPU)),
    ("memory", TWO, {GPU: "1", "memory": "64Gi"}, {}, [], ("resource", "memory")),
    ("too many workers", TWO, {GPU: "1"}, {}, [], ("resource", GPU)),
    ("a taint", {**TWO, "taints": [{"key": "team", "value": "a", "effect": "NoSchedule"}]}, {GPU: "1"}, {}, [],
     ("taint", "team")),
    ("a cordon", {**TWO, "unschedulable": True}, {GPU: "1"}, {}, [], ("", "")),
    ("a selector", TWO, {GPU: "1"}, {"nodeSelector": {"disk": "nvme"}}, [], ("selector", "")),
    ("a claim", TWO, {GPU: "1"}, {"volumes": DATA}, [], ("volume", "data")),
    ("a rule", TWO, {GPU: "1"}, {"affinity": {"podAntiAffinity": APART}}, [], ("resource", "pods")),
    ("a quota", TWO, {GPU: "2"}, {}, [QUOTA], ("resource", GPU)),
]  # fmt: skip


@pytest.mark.parametrize(("node", "needs", "spec", "quotas", "topic"), [r[1:] for r in ROWS], ids=[r[0] for r in ROWS])
def test_topic(
    build: Build,
    node: dict[str, Any],
    needs: dict[str, Any],
    spec: dict[str, Any],
    quotas: list[dict[str, Any]],
    topic: tuple[str, str],
) -> None:
    pod = build.pod(requests=needs, **spec)
    ask = Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", 3, pod)
    (found,) = fit(View(rooms([build.node("a", **node)], []), quotas=quotas), [ask])
    assert topic_of(found) == topic
