"""Spark on a real node: Pi on five executors in pods of their own, as in the announcement of 2017."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.place import Place, until
from tests.upstream import crds
from tools.realnode import cluster, pins

pytestmark = pytest.mark.slow

SMALL = ("--driver_memory=512Mi", "--executor_memory=512Mi", "--driver_cpu=100m", "--executor_cpu=100m")
PI = "--main_file=local:///opt/spark/examples/src/main/python/pi.py"  # Spark's own example, in its own image
# The first task waits until all executors are there: else a busy machine may be done with fewer.
WHOLE = {
    "spark.scheduler.minRegisteredResourcesRatio": "1.0",
    "spark.scheduler.maxRegisteredResourcesWaitingTime": "300s",
}
ALL = f"--spark_conf={json.dumps(WHOLE)}"
OWN = """from pyspark.sql import SparkSession
context = SparkSession.builder.getOrCreate().sparkContext
steps = 1_000_000
parts = context.range(0, steps, numSlices=8).map(lambda i: 4 / (1 + ((i + 0.5) / steps) ** 2) / steps)
total = parts.sum()
executors = context._jsc.sc().getExecutorMemoryStatus().size() - 1
print("on", executors, "executors pi is", round(total, 5), flush=True)
"""


def executors(place: Place) -> set[str]:
    """All executors that got a place on the node, although they are gone by now. The program calls itself PythonPi."""
    events = json.loads(place.kubectl("get", "events", "--field-selector=reason=Scheduled", "-o", "json"))["items"]
    return {name for event in events if "-exec-" in (name := event["involvedObject"]["name"])}


def run(place: Place, name: str, *parameters: str) -> tuple[str, int]:
    """Run an application to its end; what its driver said, and on how many executors. Nothing of it is left."""
    before = executors(place)
    place.do("generate", "spark-application", name, *SMALL, *parameters)
    place.do("apply", "minikube", "-c", name, "--wait", "finished", "--timeout", "400s")
    said = place.do("logs", "minikube", name)
    print(said)
    place.do("delete", "minikube", "-c", name, "--yes")
    until(lambda: not [left for left in place.left() if f"/{name}" in left or "-exec-" in left], f"{name} to be gone")
    return said, len(executors(place) - before)


def test_pi_on_five_executors(stack: Place) -> None:
    """The driver is the Job's pod."""
    said, number = run(stack, "spark-pi", PI, "--args=100", "--executors=5", ALL)
    assert "Pi is roughly 3.1" in said
    assert number == 5


@pytest.fixture
def spark_operator(stack: Place) -> Iterator[None]:
    """Kubeflow's Spark operator with its webhook, from its own manifests."""
    manifests = cluster.kubectl(stack.node, "kustomize", str(crds.folder(crds.SPARK) / "config" / "default"))
    assert manifests.count(f"image: {pins.SPARK_OPERATOR_IMAGE}\n") == 2
    cluster.kubectl(stack.node, "apply", "--server-side", "-f", "-", stdin=manifests)
    for name in ("controller", "webhook"):
        deployment = f"deployment/spark-operator-{name}"
        cluster.kubectl(stack.node, "rollout", "status", "-n", "spark-operator", deployment, "--timeout=240s")
    yield
    cluster.kubectl(stack.node, "delete", "--wait=false", "-f", "-", stdin=manifests)


@pytest.mark.usefixtures("spark_operator")
def test_pi_by_the_operator(stack: Place) -> None:
    """The operator's controller submits it in cluster mode: the driver is a pod of its own."""
    said, number = run(stack, "op-pi", PI, "--engine=operator", "--args=100", "--executors=5", ALL)
    assert "Pi is roughly 3.1" in said
    assert number == 5


def test_a_program_of_the_users_own(stack: Place) -> None:
    file = Path(stack.root, "own", "pi.py")
    file.parent.mkdir()
    file.write_text(OWN, "utf-8")
    said, number = run(stack, "own-pi", "--main_file=pi.py", "--code=./own", ALL)
    assert "on 2 executors pi is 3.14159" in said
    assert number == 2
