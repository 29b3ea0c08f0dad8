from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.slots import PORT, RESOURCE, SELECTOR, TAINT, slots

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
GPUS = {"allocatable": {GPU: "2"}}
TAINTED = {"taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}]}
PORTS: dict[str, Any] = {"containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 8080}]}]}


@pytest.mark.parametrize(
    ("node", "pod", "count", "limit", "what"),
    [
        ({}, {}, 8, RESOURCE, "cpu"),
        ({}, {"requests": {"memory": "10Gi"}}, 3, RESOURCE, "memory"),
        ({}, {"requests": {}}, 110, RESOURCE, "pods"),
        ({"allocatable": {"pods": "2"}}, {}, 2, RESOURCE, "pods"),
        ({}, {"requests": {GPU: "1"}}, 0, RESOURCE, GPU),
        (GPUS, {"requests": {GPU: "1", "cpu": "1"}}, 2, RESOURCE, GPU),
        (GPUS, {"requests": {GPU: "0", "cpu": "4"}}, 2, RESOURCE, "cpu"),
        (TAINTED, {}, 0, TAINT, "nvidia.com/gpu=present:NoSchedule"),
        ({}, {"nodeSelector": {"zone": "a"}}, 0, SELECTOR, ""),
        ({}, {"nodeName": "other"}, 0, SELECTOR, ""),
        ({}, {"nodeName": "n"}, 8, RESOURCE, "cpu"),
        ({}, PORTS, 1, PORT, ""),
    ],
)
def test_an_empty_node(
    build: Build, node: dict[str, Any], pod: dict[str, Any], count: int, limit: str, what: str
) -> None:
    (room,) = rooms([build.node("n", **node)], [])
    found = slots(room, build.pod(**pod))
    assert (found.count, found.limit, found.what) == (count, limit, what)


def test_what_is_taken_is_gone(build: Build) -> None:
    (room,) = rooms([build.node("n")], [build.pod("n", requests={"cpu": "9", "memory": "1Gi"})])
    assert slots(room, build.pod()).count == 0
    assert slots(room, build.pod(requests={"memory": "1Gi"})).count == 31  # over-committed in what it does not ask


@pytest.mark.parametrize(
    ("address", "protocol", "count"), [("", "TCP", 0), ("10.0.0.1", "TCP", 0), ("10.0.0.1", "UDP", 1)]
)
def test_ports_of_the_node(build: Build, address: str, protocol: str, count: int) -> None:
    port = {"containerPort": 1, "hostPort": 8080, "hostIP": address, "protocol": protocol}
    other = build.pod("n", containers=[{"name": "c", "ports": [port]}])
    (room,) = rooms([build.node("n")], [other])
    assert slots(room, build.pod(**PORTS)).count == count
