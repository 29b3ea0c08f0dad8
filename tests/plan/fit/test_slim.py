from __future__ import annotations

from typing import Any

from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.slim import slim

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
POD: dict[str, Any] = {
    "metadata": {"name": "p", "namespace": "ml", "labels": {"a": "b"}, "managedFields": [{}], "uid": "1"},
    "spec": {
        "nodeName": "n",
        "containers": [
            {
                "name": "c",
                "image": "x",
                "env": [{}],
                "resources": {"requests": {"cpu": "1"}},
                "ports": [{"containerPort": 1}, {"containerPort": 2, "hostPort": 2}],
            }
        ],
        "initContainers": [{"name": "i", "image": "x", "restartPolicy": "Always"}],
        "volumes": [{"name": "t", "emptyDir": {}}, {"name": "d", "persistentVolumeClaim": {"claimName": "d"}}],
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"podAntiAffinity": {REQUIRED: [{"topologyKey": "zone"}]}, "nodeAffinity": {}},
    },
    "status": {
        "phase": "Running",
        "podIP": "10.0.0.1",
        "containerStatuses": [{"name": "c", "image": "x", "allocatedResources": {"cpu": "2"}}, {"name": "d"}],
    },
}


def test_what_counts_stays() -> None:
    assert slim(POD) == {
        "metadata": {"name": "p", "namespace": "ml", "labels": {"a": "b"}},
        "spec": {
            "nodeName": "n",
            "affinity": {"podAntiAffinity": {REQUIRED: [{"topologyKey": "zone"}]}},
            "containers": [{"ports": [{"containerPort": 2, "hostPort": 2}]}],
            "volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "d"}}],
        },
        "status": {"phase": "Running"},
        "requests": {"cpu": 2000},
    }


def test_it_counts_as_before() -> None:
    node = {"metadata": {"name": "n"}, "status": {"allocatable": {"cpu": "8"}}}
    (whole,), (small,) = rooms([node], [POD]), rooms([node], [slim(POD)])
    assert whole.used == small.used == {"cpu": 2000}
