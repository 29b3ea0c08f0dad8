from __future__ import annotations

import pytest

from mlstack.plan.roles import Role, role_of

OPERATOR = "training.kubeflow.org/replica-"
NATIVE = {f"{OPERATOR}type": "worker", "batch.kubernetes.io/job-completion-index": "2"}


@pytest.mark.parametrize(
    ("labels", "role", "title"),
    [
        (None, Role(), "p"),
        ({f"{OPERATOR}type": "worker", f"{OPERATOR}index": "10"}, Role("worker", 10), "worker-10"),
        ({f"{OPERATOR}type": "Chief", f"{OPERATOR}index": "0"}, Role("chief", 0), "chief"),
        ({f"{OPERATOR}type": "master", f"{OPERATOR}index": "1"}, Role("master", 1), "master-1"),
        ({f"{OPERATOR}type": "ps", f"{OPERATOR}index": "0"}, Role("ps", 0), "ps-0"),
        (NATIVE, Role("worker", 2), "worker-2"),
        ({"jobset.sigs.k8s.io/replicatedjob-name": "node"}, Role("node"), "node"),
        ({"spark-role": "driver"}, Role("driver"), "driver"),
        ({"spark-role": "executor", "spark-exec-id": "3"}, Role("executor", 3), "executor-3"),
        ({"apps.kubernetes.io/pod-index": "0"}, Role("", 0), "p"),
    ],
)
def test_what_a_pod_is_called(labels: dict[str, str] | None, role: Role, title: str) -> None:
    found = role_of({"metadata": {"name": "p", "labels": labels}})
    assert found == role
    assert found.title("p") == title


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("worker", ["w3", "w10"]), ("worker-3", ["w3"]), ("chief", ["c"]), ("chief-0", ["c"]), ("hub-0", ["hub-0"])],
)
def test_who_is_meant(wanted: str, expected: list[str]) -> None:
    pods = {"w10": Role("worker", 10), "w3": Role("worker", 3), "c": Role("chief", 0), "hub-0": Role("", 0)}
    found = sorted(pods.items(), key=lambda item: item[1].order(item[0]))
    assert [pod for pod, role in found if role.matches(wanted, pod)] == expected


def test_a_pod_without_role_is_not_meant_by_nothing() -> None:
    assert not Role("", 0).matches("worker", "hub-0")
    assert not Role().matches("-None", "hub-0")
