"""What Spark makes of its settings: how much a driver or an executor asks for, and how many executors there are.

Source: Spark 4's BasicDriverFeatureStep, BasicExecutorFeatureStep and ResourceProfile.getResourcesForClusterManager.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Conf = Mapping[str, str]

LEAST_OVERHEAD = "384m"
JVM, NON_JVM = 0.1, 0.4  # shares of Spark's memory that processes beside the heap take
DRIVER, EXECUTOR = "driver", "executor"
_MEMORY = re.compile(r"(\d+)([a-z]*)")
_POWERS = {"b": 0, "k": 1, "kb": 1, "m": 2, "mb": 2, "g": 3, "gb": 3, "t": 4, "tb": 4, "p": 5, "pb": 5}


def resources(conf: Conf, role: str, non_jvm: bool = False) -> dict[str, Any]:
    """The resources of Spark's own container. `non_jvm`: a driver in cluster mode runs a Python or R program."""
    total = f"{memory_mib(conf, role, non_jvm)}Mi"
    cpu = conf.get(f"spark.kubernetes.{role}.request.cores") or conf.get(f"spark.{role}.cores", "1")
    most = conf.get(f"spark.kubernetes.{role}.limit.cores")
    limits = {"memory": total, **({"cpu": most} if most else {}), **dict(_devices(conf, role))}
    return {"requests": {"cpu": cpu, "memory": total}, "limits": limits}


def memory_mib(conf: Conf, role: str, non_jvm: bool = False) -> int:
    """All memory of a pod: Spark's own, what is beside the heap, and in executors off-heap and Python's."""
    own = mebibytes(conf.get(f"spark.{role}.memory", "1g"))
    said = conf.get(f"spark.{role}.memoryOverhead")
    least = mebibytes(conf.get(f"spark.{role}.minMemoryOverhead", LEAST_OVERHEAD))
    overhead = mebibytes(said) if said else max(int(_factor(conf, role, non_jvm) * own), least)
    return own + overhead + (_beside_heap(conf, non_jvm) if role == EXECUTOR else 0)


def executors(conf: Conf) -> int:
    """How many executors Spark starts with."""
    fixed = conf.get("spark.executor.instances")
    if not is_true(conf, "spark.dynamicAllocation.enabled"):
        return int(fixed or 2)
    least = conf.get("spark.dynamicAllocation.minExecutors", "0")
    first = conf.get("spark.dynamicAllocation.initialExecutors", least)
    return max(int(least), int(first), int(fixed or 0))


def vague(conf: Conf) -> str:
    """Why it is not known how much executors will ask for in the end, in words; "" where it is."""
    if is_true(conf, "spark.dynamicAllocation.enabled"):
        return "Spark changes the number of its executors (spark.dynamicAllocation.enabled)"
    volumes = "spark.kubernetes.executor.volumes.persistentVolumeClaim."
    if any(name.startswith(volumes) and value == "OnDemand" for name, value in conf.items()):
        return "Spark makes a PersistentVolumeClaim for each executor (claimName=OnDemand)"
    return ""


def placing(conf: Conf, role: str) -> dict[str, Any]:
    """Where Spark's settings send the pods of a role."""
    prefixes = ("spark.kubernetes.node.selector.", f"spark.kubernetes.{role}.node.selector.")
    selector = {
        name.removeprefix(prefix): value
        for prefix in prefixes
        for name, value in conf.items()
        if name.startswith(prefix)
    }
    scheduler = conf.get(f"spark.kubernetes.{role}.scheduler.name") or conf.get("spark.kubernetes.scheduler.name")
    return ({"nodeSelector": selector} if selector else {}) | ({"schedulerName": scheduler} if scheduler else {})


def mebibytes(text: str, unit: str = "m") -> int:
    """Memory as Spark writes it in whole MiB: 1024m, 2g; in `unit` where it names none, 0 for what is no memory."""
    match = _MEMORY.fullmatch(text.strip().lower())
    power = _POWERS.get(match[2] or unit) if match else None
    if match is None or power is None:
        return 0
    return int(match[1]) * int(1024**power) // 1024**2


def is_true(conf: Conf, name: str) -> bool:
    """Test whether a setting is on."""
    return conf.get(name, "").strip().lower() == "true"


def _factor(conf: Conf, role: str, non_jvm: bool) -> float:
    """The share beside the heap. Executors get that of the driver, which knows what kind of program it runs."""
    both = conf.get("spark.kubernetes.memoryOverheadFactor")
    said = conf.get(f"spark.{role}.memoryOverheadFactor") or both
    return float(said) if said else (NON_JVM if non_jvm else JVM)


def _beside_heap(conf: Conf, python: bool) -> int:
    """Off-heap memory, and that of Python's processes, which Spark adds where it knows that the program is Python."""
    off_heap = mebibytes(conf.get("spark.memory.offHeap.size", "0"), "b")
    found = off_heap if is_true(conf, "spark.memory.offHeap.enabled") else 0
    kind = conf.get("spark.kubernetes.resource.type")
    return found + (mebibytes(conf.get("spark.executor.pyspark.memory", "0")) if kind == "python" else 0)


def _devices(conf: Conf, role: str) -> Iterator[tuple[str, str]]:
    prefix, suffix = f"spark.{role}.resource.", ".amount"
    for name, amount in conf.items():
        if name.startswith(prefix) and name.endswith(suffix):
            kind = name.removeprefix(prefix).removesuffix(suffix)
            if vendor := conf.get(f"{prefix}{kind}.vendor"):
                yield f"{vendor}/{kind}", amount
