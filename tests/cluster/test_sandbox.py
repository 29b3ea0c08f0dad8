"""The sandbox on real control planes."""

from __future__ import annotations

from collections.abc import Callable

from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]


def test_both_are_up(minikube: Sandbox, gke: Sandbox, kubectl: Kubectl) -> None:
    assert minikube.ready
    assert gke.ready
    assert "minikube" in kubectl("get", "nodes", "-o", "name", context="minikube")
    assert (
        kubectl("get", "nodes", "-l", "cloud.google.com/gke-accelerator", "-o", "name", context="gke").count("node/")
        == 4
    )
