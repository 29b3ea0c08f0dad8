from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.fitting import bare_nodes, plugin_advice, there_first, waiting
from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import outlooks
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.view import View

POD: dict[str, Any] = {
    "metadata": {"namespace": "ml"},
    "spec": {"containers": [{"name": "c", "resources": {"limits": {"nvidia.com/gpu": "2"}}}]},
}


@pytest.mark.parametrize(
    ("role", "count", "gpus", "said"),
    [
        (
            "worker",
            2,
            "2",
            "cnn: 2 workers must wait: 1 of 2 workers fits: 1 of 2 nodes has fewer than 2 GPUs free: "
            "p (namespace default) holds 2.",
        ),
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


def test_what_is_there_does_not_wait_for_what_comes() -> None:
    names = ("cnn", "core", "train")
    asked = [Ask(name, Key("apps/v1", "Deployment", "ml", name), "", 9, POD) for name in names]
    assert [ask.component for ask in there_first(asked, {"core", "elsewhere"})] == ["core", "cnn", "train"]


def test_nodes_whose_plugin_is_missing() -> None:
    label = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
    bare = {"metadata": {"name": "bare", "labels": label}, "status": {"allocatable": {"pods": "9"}}}
    good = {"metadata": {"name": "good", "labels": label}, "status": {"allocatable": {"nvidia.com/gpu": "2"}}}
    ask = Ask("cnn", Key("", "Pod", "ml", "cnn"), "", 1, POD)
    assert [room.name for room in bare_nodes(ask, rooms([bare], []))] == ["bare"]
    assert bare_nodes(ask, rooms([bare, good], [])) == []


@pytest.mark.parametrize(
    ("platform", "device", "said"),
    [
        ("minikube", "nvidia.com/gpu", "minikube start --gpus all"),
        ("gke", "nvidia.com/gpu", "gpu-driver-version=latest"),
        ("eks", "nvidia.com/gpu", "github.com/NVIDIA/k8s-device-plugin"),
        ("gke", "amd.com/gpu", "device plugin of amd.com/gpu"),
    ],
)
def test_what_makes_nodes_offer_their_devices(platform: str, device: str, said: str) -> None:
    assert said in plugin_advice({"name": platform}, device)
