"""Nodes: the platforms', and the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from mlstack.errors import MlstackError
from mlstack.sandbox import nodes

OWN = """\
apiVersion: v1
kind: Node
metadata: {name: a, labels: {zone: z}, uid: gone, resourceVersion: "7"}
spec: {taints: [{key: k, effect: NoSchedule}], providerID: gone}
status: {allocatable: {cpu: 4, memory: 8Gi, nvidia.com/gpu: 2}, conditions: [gone]}
---
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Node, metadata: {name: b}, status: {capacity: {cpu: "1", memory: 1Gi, pods: "5"}}}
"""


def test_minikube_is_one_small_node_without_gpu() -> None:
    (node,) = nodes.minikube_nodes()
    assert node["metadata"]["name"] == "minikube"
    assert node["status"]["allocatable"] == {"cpu": "2", "memory": "4000Mi", "ephemeral-storage": "20Gi", "pods": "110"}
    assert node["spec"]["taints"] == []


def test_gke_has_gpu_pools_with_labels_and_taints() -> None:
    found = nodes.gke_nodes()
    gpus: dict[str, int] = {}
    for node in found:
        accelerator = node["metadata"]["labels"].get("cloud.google.com/gke-accelerator")
        amount = node["status"]["allocatable"].get(nodes.GPU)
        assert (accelerator is None) == (amount is None) == (not node["spec"]["taints"])
        if accelerator:
            gpus[accelerator] = gpus.get(accelerator, 0) + int(amount)
    assert gpus == {"nvidia-l4": 6, "nvidia-tesla-a100": 8}
    assert len({node["metadata"]["name"] for node in found}) == len(found) == 6


@pytest.mark.parametrize("like", nodes.LIKE)
def test_all_are_marked_as_simulated(like: str) -> None:
    assert all(node["metadata"]["labels"][nodes.SIMULATED] == "true" for node in nodes.LIKE[like].nodes())


@pytest.mark.parametrize(
    ("like", "name", "mode"), [("minikube", "standard", "Immediate"), ("gke", "standard-rwo", "WaitForFirstConsumer")]
)
def test_storage_class(like: str, name: str, mode: str) -> None:
    found = nodes.storage_class(like)
    assert (found["metadata"]["name"], found["volumeBindingMode"]) == (name, mode)
    assert found["metadata"]["annotations"] == {"storageclass.kubernetes.io/is-default-class": "true"}


def test_own_nodes(tmp_path: Path) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_text(OWN)
    first, second = nodes.read_nodes(file)
    size = {"pods": "110", "cpu": "4", "memory": "8Gi", "nvidia.com/gpu": "2"}
    assert first == {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": "a",
            "labels": {"kubernetes.io/hostname": "a", "zone": "z", nodes.SIMULATED: "true"},
        },
        "spec": {"taints": [{"key": "k", "effect": "NoSchedule"}]},
        "status": {"capacity": size, "allocatable": size},
    }
    assert second["status"]["allocatable"] == {"cpu": "1", "memory": "1Gi", "pods": "5"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no Node in it"),
        ("a: [", r"nodes.yaml:\d+ is no YAML"),
        ("just text", "one of kind str"),
        ("{apiVersion: v1, kind: Pod, metadata: {name: a}}", "one of kind Pod"),
        ("{apiVersion: v1, kind: Node, metadata: {}}", "no metadata.name"),
        ("{apiVersion: v1, kind: Node, metadata: {name: a}}", "Node a has no status.allocatable"),
        ("{apiVersion: v1, kind: Node, metadata: a}", "a Node: metadata is 'a', and has to be a mapping"),
        ("{apiVersion: v1, kind: Node, metadata: {name: a, labels: [b]}}", r"Node a: labels is \['b'\]"),
        ("{apiVersion: v1, kind: Node, metadata: {name: a}, status: {allocatable: 4}}", "Node a: allocatable is 4"),
        ("{apiVersion: v1, kind: Node, metadata: {name: a}, status: {capacity: {cpu: 1}}, spec: 2}", "a: spec is 2"),
        ("\0", "no text in UTF-8"),
        (b"\xff", "no text in UTF-8"),
    ],
)
def test_own_nodes_that_will_not_do(text: str | bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(MlstackError, match=said):
        nodes.read_nodes(file)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(MlstackError, match="can't be read"):
        nodes.read_nodes(tmp_path / "none.yaml")


def test_own_nodes_are_plain_data(tmp_path: Path) -> None:
    file = tmp_path / "nodes.yaml"
    file.write_text(OWN)
    assert yaml.safe_load(yaml.safe_dump(nodes.read_nodes(file))) == nodes.read_nodes(file)
