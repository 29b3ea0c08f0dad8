"""What the platforms know, and what happens where they do not."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

import pytest

from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

One = Callable[..., dict[str, Any]]


def pod(job: dict[str, Any], role: str = "Worker") -> dict[str, Any]:
    spec: dict[str, Any] = job["spec"]["tfReplicaSpecs"][role]["template"]["spec"]
    return spec


def test_each_platform_says_the_same_things(platforms: dict[str, dict[str, Any]]) -> None:
    assert set(platforms) == {"minikube", "gke", "eks", "aks", "generic"}
    keys = {frozenset(platform) for platform in platforms.values()}
    assert keys == {
        frozenset(
            {"apiVersion", "kind", "name", "version", "summary", "contexts", "node_labels"}
            | {"autoscaling", "gpu", "spot", "params"}
        )
    }
    for name, platform in platforms.items():
        assert platform["name"] == name
        assert set(platform["gpu"]) == {"resource", "tolerations", "type_label", "types", "type_hint"}
        assert bool(platform["gpu"]["types"]) == bool(platform["gpu"]["type_label"])
        assert set(platform["spot"]) in (set(), {"node_selector", "tolerations"})


@pytest.mark.parametrize(
    ("context", "platform"),
    [
        ("minikube", "minikube"),
        ("gke_project_europe-west4_cluster", "gke"),
        ("gke", "gke"),
        ("arn:aws:eks:eu-west-1:123456789012:cluster/ml", "eks"),
        ("ada@ml.eu-west-1.eksctl.io", "eks"),
        ("aks-ml", "aks"),
        ("kind-dev", None),
    ],
)
def test_contexts_name_their_platform(context: str, platform: str | None, platforms: dict[str, dict[str, Any]]) -> None:
    found = [
        name for name, one in platforms.items() if any(fnmatchcase(context, pattern) for pattern in one["contexts"])
    ]
    assert found == ([platform] if platform else [])


@pytest.mark.parametrize(
    ("platform", "label", "value"),
    [
        ("gke", "cloud.google.com/gke-accelerator", "nvidia-l4"),
        ("eks", "karpenter.k8s.aws/instance-gpu-name", "l4"),
        ("generic", "nvidia.com/gpu.product", "NVIDIA-L4"),
    ],
)
def test_one_name_of_a_gpu_means_each_platforms_own(platform: str, label: str, value: str, one: One) -> None:
    for named in ("l4", value):
        job = one("TFJob", "tf-cnn", platform, num_gpus=1, accelerator_type=named)
        assert pod(job)["nodeSelector"] == {label: value}


@pytest.mark.parametrize(
    ("platform", "says"),
    [
        ("gke", "l5 has no name on platform gke; it knows: a100, a100-80gb, b200, "),
        ("minikube", "l5 has no name on platform minikube; it knows: none (its GPUs are all of this machine's kind"),
        ("aks", "l5 has no name on platform aks; it knows: none (AKS labels GPU nodes with their vendor only"),
    ],
)
def test_an_unknown_gpu_is_refused_with_what_is_known(platform: str, says: str, show: Callable[..., Rendered]) -> None:
    with pytest.raises(MlstackError) as error:
        show("tf-cnn", platform, num_gpus=1, accelerator_type="l5")
    assert says in str(error.value)


def test_the_gpu_model_does_not_matter_without_gpus(one: One) -> None:
    # So the same app may name it for all environments and have GPUs in one.
    assert "nodeSelector" not in pod(one("TFJob", "tf-cnn", "minikube", accelerator_type="l4"))


@pytest.mark.parametrize("platform", ["gke", "eks", "aks"])
def test_spot_nodes_are_chosen_and_tolerated(platform: str, one: One, platforms: dict[str, dict[str, Any]]) -> None:
    spec = pod(one("TFJob", "tf-cnn", platform, spot=True))
    assert spec["nodeSelector"] == platforms[platform]["spot"]["node_selector"]
    assert spec.get("tolerations", []) == platforms[platform]["spot"]["tolerations"]


def test_spot_where_there_are_no_spot_nodes_is_refused(show: Callable[..., Rendered]) -> None:
    with pytest.raises(MlstackError, match="spot nodes have no label on platform minikube"):
        show("tf-cnn", "minikube", spot=True)


def test_another_accelerator_has_its_own_taint(one: One) -> None:
    spec = pod(one("TFJob", "tf-cnn", "gke", num_gpus=2, accelerator="amd.com/gpu"))
    assert spec["tolerations"] == [{"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    assert spec["containers"][0]["resources"]["limits"]["amd.com/gpu"] == "2"


@pytest.mark.parametrize("platform", ["aks", "eks", "generic", "gke", "minikube"])
def test_the_storage_class_is_the_clusters_default(platform: str, one: One) -> None:
    claim = one("StatefulSet", "kubeflow-core", platform)["spec"]["volumeClaimTemplates"][0]["spec"]
    assert "storageClassName" not in claim
