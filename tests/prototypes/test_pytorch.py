"""pytorch-job: nodes, ranks, elastic workers, and the same by the operator and without it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]
RUN: dict[str, Any] = {"command": ["torchrun", "train.py"]}


def replicas(job: dict[str, Any]) -> dict[str, int]:
    return {role: spec["replicas"] for role, spec in job["spec"]["pytorchReplicaSpecs"].items()}


def variables(job: dict[str, Any]) -> dict[str, Any]:
    (container,) = job["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry.get("value") or entry["valueFrom"] for entry in container["env"]}


@pytest.mark.parametrize(
    ("values", "roles", "pods"),
    [
        ({}, {"Master": 1}, 1),
        ({"num_workers": 3}, {"Master": 1, "Worker": 3}, 4),
        ({"elastic_max": 4, "num_workers": 9}, {"Worker": 4}, 4),
        ({"scale": "max", "resolved": {"for": "max", "num_workers": 3, "num_gpus": 2}}, {"Master": 1, "Worker": 2}, 3),
        (
            {"scale": "4", "resolved": {"for": "4", "num_workers": 2, "num_gpus": 2}, "elastic_max": 9},
            {"Worker": 2},
            2,
        ),
    ],
)
def test_the_same_pods_with_and_without_an_operator(
    values: dict[str, Any], roles: dict[str, int], pods: int, one: One
) -> None:
    operated = one("PyTorchJob", "pytorch-job", **RUN, **values)
    assert replicas(operated) == roles
    native = one("Job", "pytorch-job", **RUN, **values, runner="native")
    assert native["spec"]["completions"] == native["spec"]["parallelism"] == pods
    assert ("successPolicy" in native["spec"]) == (pods > 1)
    mine, theirs = (
        native["spec"]["template"]["spec"]["containers"][0],
        next(iter(operated["spec"]["pytorchReplicaSpecs"].values()))["template"]["spec"]["containers"][0],
    )
    assert {**mine, "env": 0} == {**theirs, "env": 0}


@pytest.mark.parametrize(
    ("values", "per_node", "world"),
    [
        ({}, "1", "3"),
        ({"num_gpus": 4}, "4", "12"),
        ({"num_gpus": 4, "nproc_per_node": "2"}, "2", "6"),
        ({"nproc_per_node": "gpu"}, "gpu", "3"),
    ],
)
def test_processes_in_a_pod(values: dict[str, Any], per_node: str, world: str, one: One) -> None:
    # torchrun's auto would be the node's CPUs; and the operator multiplies what is a number, as we do.
    assert one("PyTorchJob", "pytorch-job", **RUN, **values)["spec"]["nprocPerNode"] == per_node
    found = variables(one("Job", "pytorch-job", **RUN, **values, num_workers=2, runner="native"))
    assert (found["PET_NPROC_PER_NODE"], found["WORLD_SIZE"], found["PET_NNODES"]) == (per_node, world, "3")


def test_ranks_are_the_jobs_indexes(one: One) -> None:
    found = variables(one("Job", "pytorch-job", **RUN, num_workers=1, runner="native"))
    index = {"fieldRef": {"fieldPath": "metadata.annotations['batch.kubernetes.io/job-completion-index']"}}
    assert found["RANK"] == found["PET_NODE_RANK"] == index
    assert found["MASTER_ADDR"] == found["PET_MASTER_ADDR"] == "x-worker-0.x.team.svc"
    assert found["MASTER_PORT"] == found["PET_MASTER_PORT"] == "23456"


def test_one_pod_is_its_own_master(show: Show) -> None:
    (job,) = show("pytorch-job", **RUN, runner="native").manifests
    assert variables(job)["MASTER_ADDR"] == "localhost"


def test_elastic_workers(one: One) -> None:
    values = {"elastic_min": 2, "elastic_max": 4, "max_restarts": 5, "gang": "volcano"}
    spec = one("PyTorchJob", "pytorch-job", **RUN, **values)["spec"]
    assert spec["elasticPolicy"] == {
        "minReplicas": 2,
        "maxReplicas": 4,
        "maxRestarts": 5,
        "rdzvBackend": "c10d",
        "rdzvId": "x",
    }
    assert spec["runPolicy"]["schedulingPolicy"] == {"minAvailable": 2}
    found = variables(one("Job", "pytorch-job", **RUN, **values, runner="native"))
    assert {name: value for name, value in found.items() if name.startswith("PET_")} == {
        "PET_NPROC_PER_NODE": "1",
        "PET_NNODES": "2:4",
        "PET_MAX_RESTARTS": "5",
        "PET_RDZV_BACKEND": "c10d",
        "PET_RDZV_ENDPOINT": "x-worker-0.x.team.svc:23456",
        "PET_RDZV_ID": "x",
    }
    assert one("PodGroup", "pytorch-job", **RUN, **values, runner="native")["spec"] == {"minMember": 2}


def test_an_etcd_of_the_users(one: One) -> None:
    values = {"elastic_max": 4, "rdzv_backend": "etcd-v2", "rdzv_endpoint": "etcd:2379"}
    policy = one("PyTorchJob", "pytorch-job", **RUN, **values)["spec"]["elasticPolicy"]
    assert (policy["rdzvBackend"], policy["rdzvHost"], policy["rdzvPort"]) == ("etcd-v2", "etcd", 2379)
    found = variables(one("Job", "pytorch-job", **RUN, **values, runner="native"))
    assert found["PET_RDZV_ENDPOINT"] == "etcd:2379"


def test_restarts_of_a_fixed_group_are_told_to_torchrun(one: One) -> None:
    master = one("PyTorchJob", "pytorch-job", **RUN, max_restarts=2)["spec"]["pytorchReplicaSpecs"]["Master"]
    (container,) = master["template"]["spec"]["containers"]
    assert {"name": "PET_MAX_RESTARTS", "value": "2"} in container["env"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"command": []}, "command must be"),
        ({"elastic_min": 2}, "elastic_min 2 is more than elastic_max 0"),
        ({"elastic_max": 2, "rdzv_backend": "etcd"}, "rdzv_backend etcd needs rdzv_endpoint"),
    ],
)
def test_jobs_that_cannot_be(values: dict[str, Any], says: str, show: Show) -> None:
    with pytest.raises(MlstackError, match=says):
        show("pytorch-job", **{**RUN, **values})


def test_own_variables_win(one: One) -> None:
    env = {"MASTER_ADDR": "elsewhere", "LEVEL": "debug"}
    job = one("Job", "pytorch-job", **RUN, runner="native", env=env, secret_env={"TOKEN": "hub/token"})
    names = [entry["name"] for entry in job["spec"]["template"]["spec"]["containers"][0]["env"]]
    assert len(names) == len(set(names))
    found = variables(job)
    assert found["MASTER_ADDR"] == "elsewhere"
    assert found["TOKEN"] == {"secretKeyRef": {"name": "hub", "key": "token"}}
