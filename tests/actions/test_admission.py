from __future__ import annotations

from typing import Any

from mlstack.actions.admission import probes


def workload(name: str, **spec: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "c", "image": "i"}], **spec}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    metadata = {"name": name, "namespace": "n"}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": {"template": template}}


def test_equal_pods_are_asked_about_once() -> None:
    found = probes({"web": [workload("a"), workload("b"), workload("c", hostNetwork=True)]})
    assert [(component, pod["spec"].get("hostNetwork")) for component, pod in found] == [("web", None), ("web", True)]


def test_what_else_admission_looks_at_is_left_out() -> None:
    ((_, pod),) = probes({"web": [workload("a", serviceAccountName="robot", priorityClassName="high")]})
    assert pod["spec"] == {"containers": [{"name": "c", "image": "i"}]}
    assert pod["metadata"] == {"generateName": "mlstack-check-", "namespace": "n", "labels": {"a": "b"}}
