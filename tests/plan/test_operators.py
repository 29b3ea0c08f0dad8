from __future__ import annotations

import pytest

from mlstack.plan.operators import OPERATORS, TRAINING, operator_of


def test_which_operator_works_on_a_kind() -> None:
    assert operator_of("kubeflow.org") is TRAINING
    assert operator_of("example.com") is None
    assert len({operator.group for operator in OPERATORS}) == len(OPERATORS)


@pytest.mark.parametrize(
    ("kind", "labels", "found"),
    [
        ("Deployment", {"control-plane": "kubeflow-training-operator"}, True),
        ("Service", {"control-plane": "kubeflow-training-operator"}, False),
        ("Deployment", {"control-plane": "other"}, False),
        ("Deployment", None, False),
    ],
)
def test_an_operator_among_manifests(kind: str, labels: dict[str, str] | None, found: bool) -> None:
    assert TRAINING.within([{"kind": kind, "metadata": {"name": "x", "labels": labels}}]) is found


def test_how_it_is_looked_for() -> None:
    assert TRAINING.selector == "control-plane in (kubeflow-training-operator)"
