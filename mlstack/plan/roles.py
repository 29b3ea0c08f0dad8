"""What a pod is in its job: worker 3, the chief, Spark's driver, as the labels of whoever made it say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mlstack.compose.manifests import Manifest

# Who makes pods of several roles, and how it labels them: the training operator (and the jobs of `runner: native`),
# JobSet (Trainer's jobs), Spark.
ROLE_LABELS = ("training.kubeflow.org/replica-type", "jobset.sigs.k8s.io/replicatedjob-name", "spark-role")
INDEX_LABELS = (
    "training.kubeflow.org/replica-index",
    "batch.kubernetes.io/job-completion-index",
    "spark-exec-id",
    "apps.kubernetes.io/pod-index",
)
ALONE = ("chief", "driver", "launcher", "master")  # there is one of each, mostly


@dataclass(frozen=True)
class Role:
    """A pod's place: `name` is "" where nobody labelled it, `index` None where it has no number."""

    name: str = ""
    index: int | None = None

    def title(self, pod: str) -> str:
        """What a person calls the pod: worker-3, chief; its own name where it has no role."""
        if not self.name:
            return pod
        alone = self.index is None or (self.name in ALONE and self.index == 0)
        return self.name if alone else f"{self.name}-{self.index}"

    def matches(self, wanted: str, pod: str) -> bool:
        """Whether `wanted` means this pod: its name, `worker-3`, or `worker` for each of them."""
        roles = (self.name, f"{self.name}-{self.index}") if self.name else ()
        return wanted in (pod, self.title(pod), *roles)

    def order(self, pod: str) -> tuple[str, int, str]:
        """Sorts pods by role and index, not as text: worker-2 before worker-10."""
        return self.name, -1 if self.index is None else self.index, pod


def role_of(pod: Manifest) -> Role:
    """A pod's role and index."""
    labels: Mapping[str, str] = pod["metadata"].get("labels") or {}
    name = next((labels[label] for label in ROLE_LABELS if labels.get(label)), "")
    index = next((labels[label] for label in INDEX_LABELS if labels.get(label)), "")
    return Role(name.lower(), int(index) if index.isdigit() else None)
