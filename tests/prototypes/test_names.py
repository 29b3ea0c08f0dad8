"""How long the name of a component may be: no object, pod or Service that is named after it may have a longer name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from tests.prototypes.showing import catalogue, show

LABEL = 63
ROLES = {"TFJob": "tfReplicaSpecs", "PyTorchJob": "pytorchReplicaSpecs", "MPIJob": "mpiReplicaSpecs"}
ROLES |= {"PaddleJob": "paddleReplicaSpecs"}
LARGEST: dict[str, Any] = {"num_workers": 9999}
NATIVE = {"runner": "native"}


def label_names(manifest: Manifest) -> Iterator[str]:
    """The names of at most 63 characters that a manifest makes necessary, as its controller forms them."""
    kind, name, spec = manifest["kind"], manifest["metadata"]["name"], manifest.get("spec", {})
    if kind in ("Service", "Job"):
        yield name
    if spec.get("completionMode") == "Indexed":
        yield f"{name}-{spec['completions'] - 1}"
    for role, replicas in spec.get(ROLES.get(kind, ""), {}).items():
        yield f"{name}-{role.lower()}-{replicas['replicas'] - 1}"
    if kind == "TrainJob":
        yield f"{name}-node-0-{spec['trainer']['numNodes'] - 1}-abcde"
        yield f"{name}-launcher-0-0-abcde"
    if kind == "SparkApplication":
        yield f"{name}-ui-svc"


def longest(prototype: str, name: str, values: dict[str, Any]) -> int:
    rendered = show(prototype, "gke", name=name, **values)
    return max(len(one) for manifest in rendered.manifests for one in label_names(manifest))


@pytest.mark.parametrize(
    ("prototype", "most", "values"),
    [
        ("tf-job", 51, LARGEST),
        ("tf-job", 51, {"evaluator": True, "command": ["x"]}),
        ("tf-job", 51, {**NATIVE, "evaluator": True, "num_masters": 1, "num_gpus": 1, "command": ["x"]}),
        ("tf-cnn", 51, LARGEST),
        ("pytorch-job", 51, LARGEST),
        ("pytorch-job", 51, {**NATIVE, **LARGEST}),
        ("tf-job", 51, {"num_workers": 10000}),
        ("mpi-job", 51, LARGEST),
        ("paddle-job", 51, LARGEST),
        ("train-job", 44, LARGEST),
        ("spark-application", 56, {"engine": "operator"}),
        ("spark-application", 56, {"engine": "native"}),
        ("tf-serving", 63, {}),
        ("vllm", 63, {}),
        ("tensorboard", 63, {}),
    ],
)
def test_the_longest_name_that_a_description_allows_renders(prototype: str, most: int, values: dict[str, Any]) -> None:
    assert catalogue()[prototype].parameters["name"].schema.get("maxLength", LABEL) == most
    assert longest(prototype, "a" * most, values) <= LABEL
    with pytest.raises(MlstackError) as caught:
        show(prototype, "gke", name="a" * (most + 1), **values)
    assert f"name must be a name of at most {most} lower-case letters" in caught.value.message


@pytest.mark.parametrize(
    ("prototype", "values"),
    [
        ("tf-job", LARGEST),
        ("pytorch-job", {**NATIVE, **LARGEST}),
        ("mpi-job", LARGEST),
        ("paddle-job", LARGEST),
        ("train-job", LARGEST),
        ("spark-application", {"engine": "operator"}),
    ],
)
def test_a_longer_name_would_be_too_long(prototype: str, values: dict[str, Any]) -> None:
    most = catalogue()[prototype].parameters["name"].schema["maxLength"]
    assert longest(prototype, "a" * most, values) == LABEL


@pytest.mark.parametrize("prototype", ["spark-application", "tf-job", "pytorch-job", "train-job"])
def test_code_takes_nothing_from_a_name(prototype: str) -> None:
    name = "a" * catalogue()[prototype].parameters["name"].schema["maxLength"]
    values = {"main_file": "train.py"} if prototype == "spark-application" else {}
    assert longest(prototype, name, {"code": "train", **values}) <= LABEL
