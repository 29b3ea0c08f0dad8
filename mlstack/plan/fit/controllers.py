"""Labels that controllers put on the pods that they make: rules across nodes may go by them.

Sources: k8s.io/api batch/v1 and apps/v1 well known labels; the training operator's and JobSet's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.fit.terms import terms

# Labels with a value of its own for each pod: no two pods of a job are equal for a rule that goes by them.
OF_EACH_POD = (
    "batch.kubernetes.io/job-completion-index",
    "apps.kubernetes.io/pod-index",
    "statefulset.kubernetes.io/pod-name",
    "training.kubeflow.org/replica-index",
    "jobset.sigs.k8s.io/job-index",
    "jobset.sigs.k8s.io/job-key",
)
Pod = Mapping[str, Any]


def made_labels(manifest: Manifest, role: str) -> dict[str, str]:
    """The labels that a workload's pods will have beside their template's; values yet unknown are new."""
    kind, name = manifest["kind"], manifest["metadata"]["name"]
    new = f"{name}-to-come"
    if kind == "Job":
        uids = {"controller-uid": new, "batch.kubernetes.io/controller-uid": new}
        return {"job-name": name, "batch.kubernetes.io/job-name": name, **uids}
    if kind == "Deployment":
        return {"pod-template-hash": new}
    if kind == "StatefulSet":
        return {"controller-revision-hash": new}
    if kind == "JobSet":
        return {"jobset.sigs.k8s.io/jobset-name": name}
    if str(manifest["apiVersion"]).startswith("kubeflow.org/"):
        return {"training.kubeflow.org/job-name": name, "training.kubeflow.org/replica-type": role}
    return {}


def of_each_pod(pod: Pod) -> str:
    """The label by which a pod's rules tell pods of one job apart; "" for none."""
    return next((key for key in _keys(pod) if key in OF_EACH_POD), "")


def _keys(pod: Pod) -> Iterator[str]:
    spread: Sequence[Mapping[str, Any]] = pod["spec"].get("topologySpreadConstraints") or ()
    for rule in (*terms(pod, "podAffinity"), *terms(pod, "podAntiAffinity"), *spread):
        selector = rule.get("labelSelector") or {}
        yield from (selector.get("matchLabels") or {})
        yield from (one["key"] for one in selector.get("matchExpressions") or ())
        yield from (*(rule.get("matchLabelKeys") or ()), *(rule.get("mismatchLabelKeys") or ()))
