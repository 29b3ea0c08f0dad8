from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.claimed import hidden, matters, notes
from mlstack.plan.fit.nodes import rooms

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
SLICES: list[dict[str, Any]] = [
    {"spec": {"driver": "gpu.nvidia.com", "nodeName": name, "devices": [{"name": "gpu-0"}, {"name": "gpu-1"}]}}
    for name in ("a", "b")
]


def _ask(build: Build, **spec: Any) -> Ask:
    return Ask("cnn", Key("", "Job", "ml", "cnn"), "worker", 1, build.pod(**spec))


def test_when_it_may_be_about_them(build: Build) -> None:
    offering = rooms([build.node("n", allocatable={GPU: "1"})], [])
    labelled = rooms([build.node("m", {"nvidia.com/gpu.product": "L4"})], [])
    gpus = [_ask(build, requests={GPU: "1"})]
    assert not matters(offering, [_ask(build)])
    assert not matters(offering, gpus)
    assert matters(labelled, gpus)
    assert matters([*offering, *labelled], gpus)
    assert matters(offering, [_ask(build, resourceClaims=[{"name": "gpu"}])])


def test_a_class_that_stands_for_a_resource_hides_how_much_there_is() -> None:
    plain = {"metadata": {"name": "plain"}, "spec": {}}
    named = {"metadata": {"name": "gpu"}, "spec": {"extendedResourceName": GPU}}
    found = hidden([plain, named], SLICES)
    words = f"DeviceClass gpu gives {GPU} by dynamic resource allocation (gpu.nvidia.com offers 4 devices on 2 nodes)"
    assert found[GPU] == words
    assert set(found) == {GPU, *(f"deviceclass.resource.kubernetes.io/{name}" for name in ("plain", "gpu"))}
    assert hidden([named], [])[GPU] == f"DeviceClass gpu gives {GPU} by dynamic resource allocation"


def test_what_is_there_beside_what_is_counted() -> None:
    assert notes(SLICES) == [
        "gpu.nvidia.com offers 4 devices on 2 nodes, by dynamic resource allocation: "
        "pods have to claim them, and they are not counted"
    ]
    assert notes([]) == []
