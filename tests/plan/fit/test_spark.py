from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.spark import made_pods, mebibytes

EXECUTOR = """\
apiVersion: v1
kind: Pod
metadata: {labels: {a: b}}
spec:
  nodeSelector: {pool: spark}
  containers: [{name: executor, resources: {limits: {nvidia.com/gpu: "1"}}}]
"""
CONF = {
    "spark.executor.cores": "2",
    "spark.executor.instances": "3",
    "spark.executor.memory": "2048m",
    "spark.executor.memoryOverheadFactor": "0.4",
    "spark.kubernetes.executor.podTemplateFile": "/opt/spark/executor.yaml",
}
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"executor.yaml": EXECUTOR}}


def job(conf: dict[str, str], config: str = "x", **spec: Any) -> Manifest:
    command = ["spark-submit", *(f"--conf={name}={value}" for name, value in conf.items()), "pi.py"]
    pod = {
        "containers": [{"name": "driver", "command": command}],
        "volumes": [{"name": "executor", "configMap": {"name": config}}],
    }
    metadata = {"name": "pi", "namespace": "n"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {"template": {"spec": pod}, **spec}}


def application(**executor: Any) -> Manifest:
    spec = {
        "memoryOverheadFactor": "0.1",
        "driver": {"coreRequest": "500m", "memory": "1024m"},
        "executor": {"instances": 4, "cores": 1, "memory": "8g", **executor},
    }
    metadata = {"name": "pi", "namespace": "n"}
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": metadata,
        "spec": spec,
    }


def test_the_executors_of_a_native_application() -> None:
    (made,) = made_pods([CONFIG, job(CONF)])
    assert (made.role, made.count, made.owner.name) == ("executor", 3, "pi")
    assert made.pod["spec"]["nodeSelector"] == {"pool": "spark"}
    needs = {"cpu": "2", "memory": "2867Mi", "nvidia.com/gpu": "1"}
    assert made.pod["spec"]["containers"][0]["resources"]["requests"] == needs


def test_a_cpu_of_its_own_and_the_least_overhead() -> None:
    conf = {**CONF, "spark.kubernetes.executor.request.cores": "500m", "spark.executor.memory": "512m"}
    (made,) = made_pods([CONFIG, job(conf)])
    requests = made.pod["spec"]["containers"][0]["resources"]["requests"]
    assert (requests["cpu"], requests["memory"]) == ("500m", "896Mi")


@pytest.mark.parametrize(
    "manifests",
    [
        [job(CONF)],
        [CONFIG, job(CONF, config="other")],
        [CONFIG, job({})],
        [CONFIG, job(CONF, suspend=True)],
    ],
)
def test_what_makes_no_executors(manifests: list[Manifest]) -> None:
    assert list(made_pods(manifests)) == []


def test_an_operators_application() -> None:
    gpu = {"name": "nvidia.com/gpu", "quantity": 2}
    driver, executor = asks("pi", [application(gpu=gpu, tolerations=[{"key": "t"}])], "m")
    assert (driver.role, driver.count, executor.role, executor.count) == ("driver", 1, "executor", 4)
    assert driver.needs["cpu"] == 500
    assert executor.needs["nvidia.com/gpu"] == 2
    assert executor.pod["spec"]["tolerations"] == [{"key": "t"}]
    assert executor.pod["metadata"]["namespace"] == "n"


@pytest.mark.parametrize(("text", "mib"), [("1024m", 1024), ("2g", 2048), ("1G", 1024), ("512", 512), ("2048kb", 2)])
def test_memory_as_spark_writes_it(text: str, mib: int) -> None:
    assert mebibytes(text) == mib
