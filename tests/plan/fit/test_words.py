from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.phrases import devices
from mlstack.plan.fit.slots import slots
from mlstack.plan.fit.words import device_of, held, node_reason

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"


def test_devices() -> None:
    assert (devices(GPU, 1), devices(GPU, 2), devices("habana.ai/gaudi", 2)) == ("1 GPU", "2 GPUs", "2 habana.ai/gaudi")


def test_a_node_in_a_table(build: Build) -> None:
    pod = build.pod(requests={GPU: "1", "cpu": "2"})
    ask = Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", 1, pod)
    nodes = [
        build.node("cordoned", unschedulable=True),
        build.node("tainted", taints=[{"key": "team", "effect": "NoSchedule"}]),
        build.node("new", {"nvidia.com/gpu.product": "L4"}),
        build.node("held", allocatable={GPU: "1"}),
        build.node("small", allocatable={GPU: "1", "cpu": "1"}),
        build.node("none", allocatable={"cpu": "1"}),
        build.node("away", taints=[{"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}]),
    ]
    names = ("b", "c", "d", "e")
    there = [build.pod("held", {"app.kubernetes.io/instance": name}, requests={GPU: "1"}) for name in names]
    found = {room.name: node_reason(slots(room, pod), ask, GPU) for room in rooms(nodes, there)}
    who = "b (namespace ml), c (namespace ml), d (namespace ml) and 1 more"
    assert found == {
        "cordoned": "cordoned",
        "tainted": "taint team:NoSchedule is not tolerated",
        "new": "its driver or device plugin is not ready",
        "held": f"4 held by {who}",
        "small": "cpu: 1 free, 2 asked",
        "none": "1 GPU asked",
        "away": "not ready",
    }
    assert device_of(ask) == GPU
    assert held(rooms([build.node("free")], [])[0], GPU) == ""
