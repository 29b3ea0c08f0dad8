from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.requests import pod_requests
from mlstack.plan.fit.spark import made_pods

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
    needs = {"cpu": 2000, "memory": 2867 * 2**20, "nvidia.com/gpu": 1}
    assert pod_requests(made.pod) == needs


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


def test_containers_and_settings_that_an_operator_adds() -> None:
    """F7: every setting counts, sidecars and init containers too; fields win over sparkConf."""
    manifest = application(
        memoryOverhead="1000g",
        sidecars=[{"name": "side", "resources": {"requests": {"cpu": "1"}}}],
        initContainers=[{"name": "pip", "resources": {"requests": {"memory": "2000Gi"}}}],
    )
    manifest["spec"]["sparkConf"] = {"spark.executor.memory": "1g", "spark.driver.memoryOverhead": "2g"}
    driver, executor = asks("pi", [manifest], "m")
    assert driver.needs["memory"] == 3 * 2**30
    assert executor.needs == {"cpu": 2000, "memory": 2000 * 2**30}


@pytest.mark.parametrize(
    ("type_", "conf", "memory"),
    [
        ("Python", {}, 1024 + 409),
        ("R", {}, 1024 + 409),
        ("Scala", {}, 1024 + 384),
        ("Scala", {"spark.kubernetes.memoryOverheadFactor": "0.5"}, 1024 + 512),
        ("Python", {"spark.executor.pyspark.memory": "1g"}, 1024 + 409 + 1024),
        ("Scala", {"spark.executor.pyspark.memory": "1g"}, 1024 + 384),
    ],
)
def test_what_kind_of_program_it_is(type_: str, conf: dict[str, str], memory: int) -> None:
    manifest = application(memory="1g")
    manifest["spec"] |= {"type": type_, "sparkConf": conf}
    del manifest["spec"]["memoryOverheadFactor"]
    _, executor = asks("pi", [manifest], "m")
    assert executor.needs["memory"] == memory * 2**20


def test_executors_that_come_and_go() -> None:
    manifest = application()
    manifest["spec"]["dynamicAllocation"] = {"enabled": True, "minExecutors": 2, "initialExecutors": 6}
    _, executor = asks("pi", [manifest], "m")
    assert (executor.count, executor.vague) == (
        6,
        "Spark changes the number of its executors (spark.dynamicAllocation.enabled)",
    )
