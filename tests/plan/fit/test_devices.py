from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from mlstack.plan.fit.devices import (
    MANY,
    doubt,
    holder,
    holders,
    house_rule,
    is_spot,
    model_of,
    promised,
    single,
    unready,
)
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.slots import slots

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
TYPES = {"l4": "nvidia-l4"}


@pytest.mark.parametrize(
    ("labels", "model"),
    [
        ({"cloud.google.com/gke-accelerator": "nvidia-l4"}, "l4"),
        ({"cloud.google.com/gke-accelerator": "nvidia-new"}, "nvidia-new"),
        ({"nvidia.com/gpu.product": "NVIDIA-L4"}, "NVIDIA-L4"),
        ({"zone": "a"}, ""),
    ],
)
def test_models(labels: dict[str, str], model: str) -> None:
    assert model_of(labels, TYPES) == model


def test_kinds_of_nodes() -> None:
    assert is_spot({"karpenter.sh/capacity-type": "spot"})
    assert not is_spot({"karpenter.sh/capacity-type": "on-demand"})
    assert single({"nvidia.com/gpu.replicas": "4"}, GPU)
    assert single({"cloud.google.com/gke-gpu-partition-size": "1g.5gb"}, GPU)
    assert single({}, "nvidia.com/mig-1g.5gb")
    assert not single({"nvidia.com/gpu.replicas": "1"}, GPU)


def test_a_label_without_devices_means_that_a_driver_is_missing(build: Build) -> None:
    label = {"nvidia.com/gpu.product": "NVIDIA-L4"}
    nodes = [build.node("a", label), build.node("b", label, allocatable={GPU: "1"}), build.node("c")]
    assert [unready(room, GPU) for room in rooms(nodes, [])] == [True, False, False]


MIG, AMD = "nvidia.com/mig-1g.5gb", "amd.com/gpu"
L4 = {"cloud.google.com/gke-accelerator": "nvidia-l4"}


@pytest.mark.parametrize(
    ("labels", "offers", "asked", "missing", "comes"),
    [
        (L4, {}, GPU, True, MANY),
        (L4, {}, MIG, True, MANY),
        (L4, {GPU: "2"}, MIG, False, 0),
        (L4, {MIG: "7"}, GPU, False, 0),
        (L4, {}, AMD, False, 0),
        ({**L4, "cloud.google.com/gke-accelerator-count": "4"}, {GPU: "0"}, GPU, True, 4),
        ({**L4, "cloud.google.com/gke-accelerator-count": "4"}, {}, MIG, True, MANY),
        ({"kubernetes.azure.com/accelerator": "amd"}, {}, AMD, True, MANY),
        ({"kubernetes.azure.com/accelerator": "amd"}, {}, GPU, False, 0),
        ({"karpenter.k8s.aws/instance-gpu-name": "mi300"}, {}, AMD, True, MANY),
        (
            {"karpenter.k8s.aws/instance-gpu-name": "t4", "karpenter.k8s.aws/instance-gpu-manufacturer": "nvidia"},
            {},
            AMD,
            False,
            0,
        ),
        ({"nvidia.com/mig.config.state": "pending"}, {GPU: "8"}, MIG, True, MANY),
        ({"nvidia.com/mig.config.state": "success"}, {GPU: "8"}, MIG, False, 0),
    ],
)
def test_what_a_driver_will_bring(
    build: Build, labels: dict[str, str], offers: dict[str, str], asked: str, missing: bool, comes: int
) -> None:
    (room,) = rooms([build.node("n", labels, allocatable=offers)], [])
    assert unready(room, asked) is missing
    assert promised(room, [asked, "cpu"]) == ({asked: comes} if missing else {})
    assert room.empty(promised(room, [asked])).allocatable.get(asked, 0) == comes


def test_who_holds_them(build: Build) -> None:
    pods = [
        build.pod("n", {"training.kubeflow.org/job-name": "b", "app.kubernetes.io/instance": "x"}, requests={GPU: "2"}),
        build.pod("n", {"training.kubeflow.org/job-name": "b"}, requests={GPU: "1"}),
        build.pod("n", {"app.kubernetes.io/instance": "model"}, requests={GPU: "1"}),
        build.pod("n"),
    ]
    (room,) = rooms([build.node("n")], pods)
    assert holders(room, GPU) == {("ml", "b"): 3, ("ml", "model"): 1}
    owned = build.pod()
    owned["metadata"]["ownerReferences"] = [{"name": "web-5d4f"}]
    assert (holder(owned), holder(build.pod())) == ("web-5d4f", "p")


SHARED = "cloud.google.com/gke-max-shared-clients-per-gpu"
REPLICAS, TOPOLOGY, TPU = "nvidia.com/gpu.replicas", "cloud.google.com/gke-tpu-topology", "google.com/tpu"


@pytest.mark.parametrize(
    ("labels", "device", "asked", "rule", "unsure"),
    [
        ({}, GPU, "2", "", ""),
        ({SHARED: "4"}, GPU, "1", "", ""),
        ({SHARED: "4"}, GPU, "2", "one time-shared GPU", ""),
        ({REPLICAS: "1"}, GPU, "2", "", ""),
        ({REPLICAS: "4"}, GPU, "2", "", "n shares its GPUs, and may refuse containers that ask for more than one"),
        ({TOPOLOGY: "2x2"}, TPU, "4", "", ""),
        ({TOPOLOGY: "2x2"}, TPU, "1", "all chips of a host", "a TPU slice of 2x2 spans several nodes"),
        ({TOPOLOGY: "4x4"}, TPU, "4", "", "a TPU slice of 4x4 spans several nodes"),
    ],
)
def test_what_platforms_make_of_devices(
    build: Build, labels: dict[str, str], device: str, asked: str, rule: str, unsure: str
) -> None:
    (room,) = rooms([build.node("n", labels, allocatable={device: "4"})], [])
    pod = build.pod(requests={device: asked})
    needs = {device: int(asked)}
    assert house_rule(room, pod, needs) == rule
    said = doubt(room, pod, needs)
    assert said.startswith(unsure)
    assert bool(said) is bool(unsure)
    assert slots(room, pod).count == (0 if rule else 4 // int(asked))
