from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.view import View
from tests.plan.fit.conftest import Build

SMALL: dict[str, Any] = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "10m"}}}]}}
ONE = {"replicas": 1, "template": SMALL}


def _job(kind: str, field: str, *roles: str, version: str = "kubeflow.org/v1") -> dict[str, Any]:
    spec = {field: dict.fromkeys(roles, ONE)}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": spec}


@pytest.mark.parametrize(
    ("manifest", "added"),
    [
        (_job("MPIJob", "mpiReplicaSpecs", "Launcher", "Worker"), [["kubectl-delivery"], []]),
        (_job("MPIJob", "mpiReplicaSpecs", "Launcher", "Worker", version="kubeflow.org/v2beta1"), [[], []]),
        (_job("PyTorchJob", "pytorchReplicaSpecs", "Master", "Worker"), [[], ["init-pytorch"]]),
        (_job("PyTorchJob", "pytorchReplicaSpecs", "Worker"), [[]]),  # an elastic one has no master to wait for
        (_job("TFJob", "tfReplicaSpecs", "Chief", "Worker"), [[], []]),
    ],
)
def test_what_operators_add(manifest: dict[str, Any], added: list[list[str]]) -> None:
    found = [
        [one["name"] for one in ask.pod["spec"].get("initContainers") or ()] for ask in asks("x", [manifest], "ml")
    ]
    assert found == added


def test_quotas_and_limit_ranges_look_at_them(build: Build) -> None:
    """F32: an MPI launcher's init container, and a PyTorch worker's, are refused with the pod."""
    nodes = rooms([build.node("n", allocatable={"ephemeral-storage": "100Gi"})], [])
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"requests.ephemeral-storage": "4Gi"}}}
    mpi = asks("x", [_job("MPIJob", "mpiReplicaSpecs", "Launcher", "Worker")], "ml")
    launcher, worker = fit(View(nodes, quotas=[quota]), mpi)
    assert launcher.told == "ResourceQuota/q has 4Gi of 4Gi requests.ephemeral-storage left, and 5Gi are asked"
    assert (worker.verdict, worker.told) == (Verdict.FITS, "")

    limits = {"metadata": {"name": "lr"}, "spec": {"limits": [{"type": "Container", "min": {"memory": "16Mi"}}]}}
    torch = _job("PyTorchJob", "pytorchReplicaSpecs", "Master", "Worker")
    large = {"name": "c", "resources": {"requests": {"cpu": "10m", "memory": "1Gi"}}}
    for role in torch["spec"]["pytorchReplicaSpecs"]:
        torch["spec"]["pytorchReplicaSpecs"][role] = {"replicas": 1, "template": {"spec": {"containers": [large]}}}
    master, worker = fit(View(nodes, ranges=[limits]), asks("x", [torch], "ml"))
    assert master.verdict is Verdict.FITS
    assert worker.told == "container init-pytorch asks less memory than the 16Mi that LimitRange/lr demands"
