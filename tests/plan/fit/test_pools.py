from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.errors import MlstackError
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.pools import NONE, UNKNOWN, ZONE, Growth, Pool, coming, growth, members, pool_of, zones_of

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
LABEL = "cloud.google.com/gke-nodepool"
TAINT = {"key": GPU, "value": "present", "effect": "NoSchedule"}


@pytest.mark.parametrize(
    ("said", "expected", "grows"),
    [
        ("none", NONE, False),
        ("unknown", UNKNOWN, True),
        (None, UNKNOWN, True),
        ([], Growth(label=LABEL), False),
        (["l4"], Growth(pools=(Pool("l4"),), label=LABEL), True),
    ],
)
def test_what_an_environment_says(said: Any, expected: Growth, grows: bool) -> None:
    found = growth(said, ["something.else", LABEL])
    assert found == expected
    assert bool(found) is grows


def test_a_pool_that_says_all() -> None:
    entry = {
        "name": "a100",
        "max": 4,
        "machine": {"cpu": "95690m", GPU: 8},
        "labels": {"spot": True},
        "taints": [TAINT],
        "zones": ["b", "a"],
    }
    found = pool_of(entry)
    assert (found.name, found.most, found.taints, found.zones) == ("a100", 4, (TAINT,), ("b", "a"))
    assert found.machine == {"cpu": 95690, GPU: 8, "pods": 110}
    assert found.labels == {"spot": "True"}


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (7, "a pool of autoscaling is a name, or has one of its own: 7"),
        ({"max": 3}, "a pool of autoscaling is a name, or has one of its own: {'max': 3}"),
        ({"name": "p", "maximum": 3}, "the pool p has maximum, which means nothing; there are name, max, machine,"),
        ({"name": "p", "max": "3"}, "the pool p has max: '3', and must have a number of nodes"),
        ({"name": "p", "max": -1}, "the pool p has max: -1, and must have a number of nodes"),
        ({"name": "p", "machine": {"cpu": "many"}}, "the pool p has machine.cpu: 'many', which is no amount"),
        ({"name": "p", "machine": "big"}, "the pool p has machine: 'big', and must have a mapping there"),
        ({"name": "p", "zones": "a"}, "the pool p has zones: 'a', and must have a list there"),
        ({"name": "p", "taints": [{"key": "a"}]}, "the pool p has a taint without key and effect"),
    ],
)
def test_what_is_no_pool(entry: Any, told: str) -> None:
    with pytest.raises(MlstackError) as caught:
        pool_of(entry)
    assert caught.value.message.startswith(told)


def test_a_node_like_those_that_a_pool_has(build: Build) -> None:
    node = build.node(
        "l4-0",
        {LABEL: "l4", ZONE: "a", "own": "0", "team": "x"},
        taints=[TAINT, {"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"}],
        allocatable={GPU: "2"},
    )
    other = build.node("l4-1", {LABEL: "l4", ZONE: "b", "own": "1", "team": "x"}, allocatable={GPU: "2"})
    daemon = build.pod("l4-0", requests={"cpu": "500m"})
    daemon["metadata"]["ownerReferences"] = [{"kind": "DaemonSet", "name": "agent"}]
    there = rooms([node, other, build.node("cpu")], [daemon, build.pod("l4-0")])
    pool = Pool("l4")
    assert [room.name for room in members(pool, there)] == ["l4-0", "l4-1"]
    assert zones_of(pool, there) == ("a", "b")
    found = coming(pool, there, LABEL, "b", 2)
    assert found is not None
    assert found.labels == {LABEL: "l4", "team": "x", "kubernetes.io/hostname": "l4-new-3", ZONE: "b"}
    assert found.taints == (TAINT,)
    assert (found.free("cpu"), found.free(GPU), found.free("pods")) == (7500, 2, 109)


def test_a_pool_without_nodes(build: Build) -> None:
    there = rooms([build.node("cpu")], [])
    assert coming(Pool("l4"), there, LABEL, "", 0) is None
    pool = Pool("l4", machine={GPU: 2, "pods": 110}, labels={"model": "l4", ZONE: "c"}, taints=(TAINT,))
    assert zones_of(pool, there) == ("c",)
    found = coming(pool, there, LABEL, "c", 0)
    assert found is not None
    assert (found.labels[LABEL], found.labels["model"], found.taints, found.free(GPU)) == ("l4", "l4", (TAINT,), 2)
    assert zones_of(Pool("l4"), there) == ("",)
