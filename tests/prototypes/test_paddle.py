"""paddle-job: workers alone or beside servers, and the range in which it may be scaled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]


@pytest.fixture
def job(one: One) -> Callable[..., dict[str, Any]]:
    """`job(**values)`: the PaddleJob's spec."""

    def spec(platform: str = "generic", **values: Any) -> dict[str, Any]:
        return dict(one("PaddleJob", "paddle-job", platform, image="registry.example.com/ocr:1", **values)["spec"])

    return spec


def container(spec: dict[str, Any], role: str = "Worker") -> dict[str, Any]:
    (found,) = spec["paddleReplicaSpecs"][role]["template"]["spec"]["containers"]
    assert found["name"] == "paddle"  # the operator looks for this name
    return dict(found)


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({}, {"Worker": 1}),
        ({"num_workers": 4}, {"Worker": 4}),
        ({"num_workers": 4, "num_ps": 2}, {"Master": 2, "Worker": 4}),
    ],
)
def test_processes_of_a_job(values: dict[str, Any], found: dict[str, int], job: One) -> None:
    assert {role: one["replicas"] for role, one in job(**values)["paddleReplicaSpecs"].items()} == found


def test_servers_have_no_gpu_and_resources_of_their_own(job: One) -> None:
    spec = job(num_ps=1, num_gpus=2, image_gpu="registry.example.com/ocr:gpu", ps_cpu="3", ps_memory="5Gi")
    assert container(spec)["resources"]["limits"]["nvidia.com/gpu"] == "2"
    assert container(spec)["image"] == "registry.example.com/ocr:gpu"
    server = container(spec, "Master")
    assert server["resources"] == {"requests": {"cpu": "3", "memory": "5Gi"}, "limits": {"memory": "5Gi"}}
    assert server["image"] == "registry.example.com/ocr:1"
    assert {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"} in server["env"]


def test_the_port_is_the_one_that_the_operator_reads(job: One) -> None:
    known = {"name": "master", "protocol": "TCP"}  # Kueue takes a job that does not say TCP for another, without end
    assert container(job())["ports"] == [{**known, "containerPort": 36543}]
    assert container(job(port=7000, num_ps=1), "Master")["ports"] == [{**known, "containerPort": 7000}]


def test_the_range_is_kept_beside_the_job(job: One) -> None:
    assert "elasticPolicy" not in job()
    assert job(elastic_max=8)["elasticPolicy"] == {"minReplicas": 1, "maxReplicas": 8}
    assert job(elastic_min=2, elastic_max=8, num_workers=2)["elasticPolicy"]["minReplicas"] == 2


@pytest.mark.parametrize(
    "values",
    [
        {"elastic_max": 2, "num_workers": 3},
        {"elastic_min": 2, "elastic_max": 4},
        {"elastic_min": 5, "elastic_max": 4, "num_workers": 5},
        {"elastic_max": 2, "scale": "max", "resolved": {"for": "max", "num_workers": 3, "num_gpus": 1}},
    ],
)
def test_a_job_starts_within_its_range(values: dict[str, Any], show: Show) -> None:
    with pytest.raises(MlstackError, match="the job starts within its range"):
        show("paddle-job", image="registry.example.com/ocr:1", **values)
