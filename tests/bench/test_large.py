"""The objects of a large cluster."""

from __future__ import annotations

from collections import Counter

from bench import large
from mlstack.plan.fit.nodes import rooms


def test_what_the_cluster_holds() -> None:
    nodes = [large.node(index) for index in range(100)]
    pods = [large.pod(index, 100) for index in range(1000)]
    found = rooms(nodes, pods)
    offered = Counter(room.allocatable.get(large.GPU, 0) for room in found)
    assert offered == {0: 70, 2: 20, 8: 10}
    assert {len(room.pods) for room in found} == {10}
    assert sum(room.free(large.GPU) for room in found) == 120 - 5 * 4 - 10
    assert all(room.free("cpu") > 0 for room in found)
    assert sum("affinity" in pod["spec"] for pod in pods) == 50
    assert {pod["metadata"]["namespace"] for pod in pods} == {f"team-{index}" for index in range(large.NAMESPACES)}
