"""Spark's formula; the expected values are those of Spark 4's own classes (BasicExecutorFeatureStep and its kin)."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.fit.sparkconf import DRIVER, EXECUTOR, executors, mebibytes, memory_mib, placing, resources, vague

G = {"spark.executor.memory": "4g", "spark.driver.memory": "4g"}


@pytest.mark.parametrize(
    ("conf", "role", "non_jvm", "mib"),
    [
        ({}, EXECUTOR, False, 1408),
        ({}, DRIVER, False, 1408),
        (G, EXECUTOR, False, 4505),
        (G, DRIVER, True, 5734),
        (G, EXECUTOR, True, 5734),
        ({**G, "spark.executor.memoryOverhead": "1000g"}, EXECUTOR, False, 1028096),
        ({**G, "spark.executor.memoryOverhead": "10"}, EXECUTOR, False, 4106),
        ({**G, "spark.driver.memoryOverhead": "1g"}, DRIVER, True, 5120),
        ({**G, "spark.executor.memoryOverheadFactor": "0.25"}, EXECUTOR, True, 5120),
        ({**G, "spark.kubernetes.memoryOverheadFactor": "0.25"}, DRIVER, True, 5120),
        (
            {**G, "spark.kubernetes.memoryOverheadFactor": "0.25", "spark.driver.memoryOverheadFactor": "0.5"},
            DRIVER,
            False,
            6144,
        ),
        ({**G, "spark.executor.minMemoryOverhead": "1g"}, EXECUTOR, False, 5120),
        ({"spark.memory.offHeap.size": "1g"}, EXECUTOR, False, 1408),
        ({"spark.memory.offHeap.size": "1g", "spark.memory.offHeap.enabled": "true"}, EXECUTOR, False, 2432),
        ({"spark.memory.offHeap.size": "1073741824", "spark.memory.offHeap.enabled": "true"}, EXECUTOR, False, 2432),
        ({"spark.memory.offHeap.size": "1g", "spark.memory.offHeap.enabled": "true"}, DRIVER, False, 1408),
        ({"spark.executor.pyspark.memory": "2g"}, EXECUTOR, False, 1408),
        ({"spark.executor.pyspark.memory": "2g", "spark.kubernetes.resource.type": "python"}, EXECUTOR, False, 3456),
    ],
)
def test_all_memory_of_a_pod(conf: dict[str, str], role: str, non_jvm: bool, mib: int) -> None:
    assert memory_mib(conf, role, non_jvm) == mib


@pytest.mark.parametrize(
    ("conf", "requests", "limits"),
    [
        ({}, {"cpu": "1"}, {}),
        ({"spark.executor.cores": "3"}, {"cpu": "3"}, {}),
        ({"spark.executor.cores": "3", "spark.kubernetes.executor.request.cores": "500m"}, {"cpu": "500m"}, {}),
        ({"spark.kubernetes.executor.limit.cores": "2"}, {"cpu": "1"}, {"cpu": "2"}),
        (
            {"spark.executor.resource.gpu.amount": "2", "spark.executor.resource.gpu.vendor": "nvidia.com"},
            {"cpu": "1"},
            {"nvidia.com/gpu": "2"},
        ),
        ({"spark.driver.resource.gpu.amount": "2", "spark.driver.resource.gpu.vendor": "nvidia.com"}, {"cpu": "1"}, {}),
    ],
)
def test_cpu_and_devices(conf: dict[str, str], requests: dict[str, str], limits: dict[str, str]) -> None:
    memory = {"memory": "1408Mi"}
    assert resources(conf, EXECUTOR) == {"requests": requests | memory, "limits": memory | limits}


DYNAMIC = {"spark.dynamicAllocation.enabled": "true"}


@pytest.mark.parametrize(
    ("conf", "count"),
    [
        ({}, 2),
        ({"spark.executor.instances": "5"}, 5),
        (DYNAMIC, 0),
        ({**DYNAMIC, "spark.dynamicAllocation.minExecutors": "3"}, 3),
        ({**DYNAMIC, "spark.dynamicAllocation.initialExecutors": "4", "spark.executor.instances": "6"}, 6),
    ],
)
def test_how_many_start(conf: dict[str, str], count: int) -> None:
    assert executors(conf) == count


def test_what_cannot_be_told() -> None:
    claim = "spark.kubernetes.executor.volumes.persistentVolumeClaim.data.options.claimName"
    assert vague({claim: "OnDemand"}) == "Spark makes a PersistentVolumeClaim for each executor (claimName=OnDemand)"
    assert vague({claim: "data"}) == ""


@pytest.mark.parametrize(
    ("conf", "spec"),
    [
        ({}, {}),
        (
            {"spark.kubernetes.node.selector.a": "b", "spark.kubernetes.executor.node.selector.c": "d"},
            {"nodeSelector": {"a": "b", "c": "d"}},
        ),
        ({"spark.kubernetes.scheduler.name": "volcano"}, {"schedulerName": "volcano"}),
    ],
)
def test_where_pods_are_sent(conf: dict[str, str], spec: dict[str, Any]) -> None:
    assert placing(conf, EXECUTOR) == spec


@pytest.mark.parametrize(
    ("text", "mib"),
    [("1024m", 1024), ("2g", 2048), ("1G", 1024), ("512", 512), ("2048kb", 2), ("1t", 2**20), ("1p", 2**30), ("x", 0)],
)
def test_memory_as_spark_writes_it(text: str, mib: int) -> None:
    assert mebibytes(text) == mib
