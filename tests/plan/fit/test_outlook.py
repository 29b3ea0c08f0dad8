"""The reasons a job stays pending, one row each: what is said and what becomes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import Prospect, outlooks
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
FITS, WAITS, NEVER, UNKNOWN = Prospect.FITS, Prospect.WAITS, Prospect.NEVER, Prospect.UNKNOWN
L4 = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
SPOT = {"key": "cloud.google.com/gke-spot", "value": "true", "effect": "NoSchedule"}
TWO = {"allocatable": {GPU: "2"}}

# nodes (name -> spec), pods there (node, GPUs), pods asked, what each asks, whether nodes may come; what becomes of it.
ROWS: list[tuple[str, dict[str, Any], list[tuple[str, str]], int, dict[str, Any], bool, Prospect, list[str]]] = [
    ("free", {"a": TWO}, [], 2, {}, False, FITS, []),
    (
        "more than any node has",
        {"a": TWO, "b": {"labels": {}}},
        [],
        1,
        {GPU: "16"},
        False,
        NEVER,
        ["each worker asks 16 nvidia.com/gpu, the largest node (a, l4) has 2"],
    ),
    (
        "more than any node has so far",
        {"a": TWO, "b": {}},
        [],
        1,
        {GPU: "16"},
        False,
        WAITS,
        ["1 l4 node has 2 nvidia.com/gpu in all", "1 l4 node has no driver or device plugin ready"],
    ),
    (
        "more than the driver will bring",
        {"a": {"labels": {**L4, "cloud.google.com/gke-accelerator-count": "2"}}},
        [],
        1,
        {GPU: "4"},
        False,
        NEVER,
        ["each worker asks 4 nvidia.com/gpu, the largest node (a, l4) has 2"],
    ),
    (
        "more workers than there are GPUs",
        {"a": TWO, "b": TWO, "c": TWO, "large": {"labels": {}, "allocatable": {GPU: "8"}, "taints": [SPOT]}},
        [],
        4,
        {GPU: "2"},
        False,
        NEVER,
        [
            "3 of 4 workers fit: the l4 nodes have 6 GPUs",
            "1 node has a taint that it does not tolerate: cloud.google.com/gke-spot=true:NoSchedule",
        ],
    ),
    (
        "a startup taint",
        {"a": {**TWO, "taints": [{"key": "node.cilium.io/agent-not-ready", "effect": "NoExecute"}]}},
        [],
        1,
        {},
        False,
        WAITS,
        ["1 node has a taint that it does not tolerate: node.cilium.io/agent-not-ready:NoExecute"],
    ),
    (
        "GPUs in odd numbers",
        {"a": {"allocatable": {GPU: "3"}}, "b": {"allocatable": {GPU: "3"}}},
        [],
        3,
        {GPU: "2"},
        False,
        NEVER,
        ["2 of 3 workers fit: the l4 nodes have at most 3 GPUs free on one node, each worker asks 2"],
    ),
    (
        "slices of others",
        {"a": {"allocatable": {"nvidia.com/mig-1g.5gb": "7"}}, "b": {**TWO, "taints": [SPOT]}},
        [],
        1,
        {},
        False,
        NEVER,
        [
            "1 l4 node offers 7 MIG 1g.5gb devices, and no GPU",
            "1 node has a taint that it does not tolerate: cloud.google.com/gke-spot=true:NoSchedule",
        ],
    ),
    (
        "more than any node has, but nodes may come",
        {"a": TWO},
        [],
        1,
        {GPU: "16"},
        True,
        UNKNOWN,
        ["each worker asks 16 nvidia.com/gpu, the largest node (a, l4) has 2", "nodes may still come (autoscaling)"],
    ),
    (
        "no GPUs at all",
        {"a": {"labels": {}}},
        [],
        1,
        {GPU: "1"},
        False,
        NEVER,
        ["each worker asks 1 nvidia.com/gpu, and no node has any"],
    ),
    (
        "held by others",
        {"a": TWO, "b": TWO, "c": TWO},
        [("a", "2"), ("b", "1")],
        3,
        {GPU: "2"},
        False,
        WAITS,
        ["1 of 3 workers fits: 2 of 3 l4 nodes have fewer than 2 GPUs free (at most 1): other (namespace ml) holds 3"],
    ),
    (
        "tainted",
        {"a": {**TWO, "taints": [SPOT]}},
        [],
        1,
        {},
        False,
        NEVER,
        ["1 node has a taint that it does not tolerate: cloud.google.com/gke-spot=true:NoSchedule"],
    ),
    ("cordoned", {"a": {**TWO, "unschedulable": True}}, [], 1, {}, False, WAITS, ["1 node is cordoned"]),
    (
        "memory beside the GPUs",
        {"a": {"allocatable": {GPU: "2", "memory": "20Gi"}}},
        [],
        2,
        {"memory": "16Gi"},
        False,
        NEVER,
        ["1 of 2 workers fits: the l4 node has 20Gi memory, each worker asks 16Gi"],
    ),
    (
        "CPU taken",
        {"a": TWO},
        [("a", "0")],
        1,
        {"cpu": "8"},
        False,
        WAITS,
        ["1 l4 node has less than 8 cpu free (at most 7)"],
    ),
    (
        "no driver",
        {"a": {"allocatable": {GPU: "0"}}, "b": TWO},
        [("b", "2")],
        1,
        {},
        False,
        WAITS,
        ["1 l4 node has no GPU free: other (namespace ml) holds 2", "1 l4 node has no driver or device plugin ready"],
    ),
]


@pytest.mark.parametrize(
    ("nodes", "pods", "count", "needs", "grows", "prospect", "why"), [row[1:] for row in ROWS], ids=[r[0] for r in ROWS]
)
def test_what_becomes_of_it(
    build: Build,
    nodes: dict[str, Any],
    pods: list[tuple[str, str]],
    count: int,
    needs: dict[str, Any],
    grows: bool,
    prospect: Prospect,
    why: list[str],
) -> None:
    made = [build.node(name, **{"labels": L4, **spec}) for name, spec in nodes.items()]
    other = {"training.kubeflow.org/job-name": "other"}
    there = [build.pod(node, other, requests={GPU: gpus, "cpu": "1"}) for node, gpus in pods]
    ask = Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", count, build.pod(requests={GPU: "1", **needs}))
    (found,) = outlooks(View(rooms(made, there)), [ask], grows=Growth(unknown=grows), types={"l4": "nvidia-l4"})
    assert (found.prospect, list(found.reasons)) == (prospect, why)
