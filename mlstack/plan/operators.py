"""Which operator works on which custom kinds, how it is known in a cluster, and where it comes from.

Labels: those of the projects' own manifests and charts (training-operator 1.9, Trainer 2.3, spark-operator 2.5,
Kueue 0.19, JobSet 0.12, prometheus-operator 0.9x).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from mlstack.compose.manifests import Manifest


@dataclass(frozen=True)
class Operator:
    """`label` with one of `values` is on its Deployment; `advice` tells how to get it, "" where nobody here knows."""

    title: str
    group: str
    label: str
    values: tuple[str, ...]
    advice: str = ""

    @property
    def selector(self) -> str:
        """The Deployments that may be this operator."""
        return f"{self.label} in ({','.join(self.values)})"

    def within(self, manifests: Iterable[Manifest]) -> bool:
        """Whether its Deployment is among these."""
        return any(m["kind"] == "Deployment" and self._is(m["metadata"].get("labels") or {}) for m in manifests)

    def _is(self, labels: Mapping[str, str]) -> bool:
        return labels.get(self.label) in self.values


TRAINING = Operator(
    "the training operator",
    "kubeflow.org",
    "control-plane",
    ("kubeflow-training-operator",),
    "It comes with: mlstack generate training-operator (or kubeflow-core)",
)
KUEUE = Operator(
    "Kueue",
    "kueue.x-k8s.io",
    "app.kubernetes.io/name",
    ("kueue",),
    "Install it (https://kueue.sigs.k8s.io/docs/installation/)",
)
OPERATORS: Sequence[Operator] = (
    TRAINING,
    Operator(
        "Kubeflow Trainer",
        "trainer.kubeflow.org",
        "app.kubernetes.io/name",
        ("trainer", "kubeflow-trainer"),
        "Install Kubeflow Trainer 2 (https://www.kubeflow.org/docs/components/trainer/operator-guides/installation/)",
    ),
    Operator(
        "the Spark operator",
        "sparkoperator.k8s.io",
        "app.kubernetes.io/name",
        ("spark-operator",),
        "Install it (https://www.kubeflow.org/docs/components/spark-operator/getting-started/)",
    ),
    KUEUE,
    Operator(
        "JobSet", "jobset.x-k8s.io", "app.kubernetes.io/name", ("jobset",), "Install it (https://jobset.sigs.k8s.io)"
    ),
    Operator(
        "the Prometheus operator",
        "monitoring.coreos.com",
        "app.kubernetes.io/name",
        ("prometheus-operator", "kube-prometheus-stack-prometheus-operator"),
        "Install it (https://prometheus-operator.dev)",
    ),
)


def operator_of(group: str) -> Operator | None:
    """The operator of a group's kinds, if it is one that is known here."""
    return next((operator for operator in OPERATORS if operator.group == group), None)
