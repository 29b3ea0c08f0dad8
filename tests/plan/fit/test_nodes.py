from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack.plan.fit.nodes import holds, rooms
from mlstack.plan.fit.taints import CORDON

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build


def test_pods_count_until_they_have_ended(build: Build) -> None:
    pods = [build.pod("n", phase=phase) for phase in ("Pending", "Running", "Succeeded", "Failed", "Unknown")]
    (room,) = rooms([build.node("n")], [*pods, build.pod(), build.pod("elsewhere")])
    assert (len(room.pods), room.used["cpu"], room.free("cpu"), room.free("pods")) == (3, 3000, 5000, 107)
    assert [holds(pod) for pod in pods] == [True, True, False, False, True]
    assert room.empty().free("cpu") == 8000


def test_a_nominated_pod_counts_for_those_below_it(build: Build) -> None:
    pod = build.pod(priority=5, phase="Pending")
    pod["status"]["nominatedNodeName"] = "n"
    for priority, used in ((0, 1000), (5, 1000), (6, 0)):
        (room,) = rooms([build.node("n")], [pod], priority=priority)
        assert room.used.get("cpu", 0) == used


def test_a_cordoned_node_has_a_taint(build: Build) -> None:
    (room,) = rooms([build.node("n", unschedulable=True)], [])
    assert room.taints == (CORDON,)
    (again,) = rooms([build.node("n", unschedulable=True, taints=[CORDON])], [])
    assert again.taints == (CORDON,)


def test_what_a_node_does_not_have(build: Build) -> None:
    (room,) = rooms([build.node("n")], [])
    assert room.free("nvidia.com/gpu") == 0
