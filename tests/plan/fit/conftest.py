"""Nodes and pods in one line each."""

from __future__ import annotations

from typing import Any

import pytest

Manifest = dict[str, Any]

GPU = "nvidia.com/gpu"


class Build:
    """Builders of manifests."""

    @staticmethod
    def node(name: str, labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
        """A node of 8 CPUs, 32Gi and 110 pods; `allocatable` changes that."""
        allocatable = {"cpu": "8", "memory": "32Gi", "pods": "110", **spec.pop("allocatable", {})}
        known = {"kubernetes.io/hostname": name, **(labels or {})}
        return {"metadata": {"name": name, "labels": known}, "spec": spec, "status": {"allocatable": allocatable}}

    @staticmethod
    def pod(node: str = "", labels: dict[str, str] | None = None, phase: str = "Running", **rest: Any) -> Manifest:
        """A pod that asks for 1 CPU unless `requests` says otherwise; `rest` goes into its spec."""
        container = {"name": "main", "resources": {"requests": rest.pop("requests", {"cpu": "1"})}}
        spec = {"containers": [container], **({"nodeName": node} if node else {}), **rest}
        metadata = {"name": "p", "namespace": "ml", "labels": labels or {}}
        return {"metadata": metadata, "spec": spec, "status": {"phase": phase}}


@pytest.fixture
def build() -> Build:
    return Build()
