"""Containers that operators add to the pods of their jobs: the API server judges pods with them.

Source: Kubeflow's training operator 1.9, pkg/controller.v1/mpi and pkg/controller.v1/pytorch/initcontainer.go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.compose.manifests import Manifest

TRAINING = "kubeflow.org/v1"
_DELIVERY = {"cpu": "100m", "memory": "512Mi", "ephemeral-storage": "5Gi"}
KUBECTL = {"name": "kubectl-delivery", "resources": {"requests": _DELIVERY, "limits": _DELIVERY}}
WAIT_FOR_MASTER = {
    "name": "init-pytorch",
    "resources": {"requests": {"cpu": "50m", "memory": "10Mi"}, "limits": {"cpu": "100m", "memory": "20Mi"}},
}
ADDED = {("MPIJob", "launcher"): KUBECTL, ("PyTorchJob", "worker"): WAIT_FOR_MASTER}


def with_added(manifest: Manifest, role: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
    """A pod's spec with the init container that the job's operator appends to it, if any."""
    added = ADDED.get((manifest["kind"], role)) if manifest["apiVersion"] == TRAINING else None
    if added is None or (added is WAIT_FOR_MASTER and "Master" not in manifest["spec"]["pytorchReplicaSpecs"]):
        return spec
    return {**spec, "initContainers": [*(spec.get("initContainers") or ()), added]}
