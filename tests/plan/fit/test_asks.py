from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.fit.asks import NO_POD, asks

TEMPLATE: dict[str, Any] = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}

LABELLED = {"metadata": {"labels": {"training.kubeflow.org/replica-type": "ps"}}}


def _object(kind: str, **spec: Any) -> dict[str, Any]:
    return {"apiVersion": "x/v1", "kind": kind, "metadata": {"name": "it"}, "spec": spec}


ROLES = {"Worker": {"replicas": 3, "template": TEMPLATE}, "Chief": {"template": TEMPLATE}}


@pytest.mark.parametrize(
    ("manifest", "found"),
    [
        (_object("Deployment", replicas=2, template=TEMPLATE), [("", 2)]),
        (_object("StatefulSet", template=TEMPLATE), [("", 1)]),
        (_object("DaemonSet", template=TEMPLATE), [("", 0)]),
        (_object("Job", template=TEMPLATE), [("", 1)]),
        (_object("Job", parallelism=4, completions=3, template=TEMPLATE), [("", 3)]),
        (_object("Job", parallelism=4, template=TEMPLATE), [("", 4)]),
        (_object("Job", suspend=True, template=TEMPLATE), [("", 0)]),
        (_object("CronJob", jobTemplate={"spec": {"template": TEMPLATE}}), [("", 0)]),
        (_object("TFJob", tfReplicaSpecs=ROLES), [("worker", 3), ("chief", 1)]),
        (_object("TFJob", runPolicy={"suspend": True}, tfReplicaSpecs=ROLES), [("worker", 0), ("chief", 0)]),
        (_object("Job", parallelism=2, template={**TEMPLATE, **LABELLED}), [("ps", 2)]),
        (_object("ConfigMap"), [("", 0)]),  # it has no pods, but counts in quotas
    ],
)
def test_how_many_pods(manifest: dict[str, Any], found: list[tuple[str, int]]) -> None:
    got = asks("cnn", [manifest], "ml")
    assert [(ask.role, ask.count) for ask in got] == found
    assert all(
        ask.pod["metadata"]["namespace"] == "ml" and ask.needs == {"cpu": 1000} for ask in got if ask.pod != NO_POD
    )


def test_a_train_job_asks_for_its_nodes_what_its_trainer_needs() -> None:
    job = {"template": {"spec": {"template": {"spec": {"nodeSelector": {"a": "b"}, "containers": [{"name": "node"}]}}}}}
    patch = {"trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [job, job]}}}}
    trainer = {"numNodes": 3, "resourcesPerNode": {"requests": {"cpu": "2"}, "limits": {"nvidia.com/gpu": "4"}}}
    node, launcher = asks("llm", [_object("TrainJob", trainer=trainer, runtimePatches=[patch])], "ml")
    assert (node.count, launcher.count) == (3, 0)
    assert node.needs == {"cpu": 2000, "nvidia.com/gpu": 4}
    assert node.pod["spec"]["nodeSelector"] == {"a": "b"}
