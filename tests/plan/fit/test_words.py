from __future__ import annotations

from typing import TYPE_CHECKING

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.phrases import devices
from mlstack.plan.fit.slots import slots
from mlstack.plan.fit.view import View
from mlstack.plan.fit.words import device_of, held, node_reason, reasons

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


def test_too_large_for_the_nodes_that_it_may_have(build: Build) -> None:
    """Larger ones of another kind are not what it is measured by."""
    nodes = [build.node("l4", {"pool": "l4"}, allocatable={GPU: "2"}), build.node("a100", allocatable={GPU: "8"})]
    pod = build.pod(requests={"memory": "99Gi", GPU: "4"}, nodeSelector={"pool": "l4"})
    ask = Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", 1, pod)
    there = rooms(nodes, [])
    (found,) = fit(View(there), [ask])
    assert reasons(found, there, {}) == [
        "each worker asks 4 nvidia.com/gpu, the largest node of that kind (l4) has 2",
    ]


def test_nodes_without_their_driver_are_not_called_too_small(build: Build) -> None:
    model = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    nodes = [build.node("l4", model), build.node("a100", allocatable={GPU: "8"})]
    pod = build.pod(requests={GPU: "2"}, nodeSelector=model)
    there = rooms(nodes, [])
    (found,) = fit(View(there), [Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", 1, pod)])
    assert reasons(found, there, {}) == [
        "1 nvidia-l4 node has no driver or device plugin ready",
        "1 node is not of the kind asked for (node selector)",
    ]
