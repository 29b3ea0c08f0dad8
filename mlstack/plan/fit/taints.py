"""Taints that keep pods off nodes.

Source: k8s.io/api core/v1 toleration.go; the scheduler's TaintToleration and NodeUnschedulable.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

Taint = Mapping[str, Any]

REPELLING = frozenset({"NoSchedule", "NoExecute"})
# Taints that nodes have for a while: Kubernetes' own of nodes that are cordoned, not ready or under pressure, and those
# of autoscalers, cloud providers and drivers, until a node is set up or after it was chosen to go.
PASSING = (
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "startup-taint.cluster-autoscaler.kubernetes.io/",
    "status-taint.cluster-autoscaler.kubernetes.io/",
    "ignore-taint.cluster-autoscaler.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
    "karpenter.sh/unregistered",
    "karpenter.sh/disrupt",
    "aws-node-termination-handler/",
    "cloud.google.com/impending-node-termination",
    "node.cilium.io/",
)
WORDS = re.compile(r"not-?ready|uninitialized|unregistered|start-?up|provisioning|initializing", re.IGNORECASE)
CORDON: Taint = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}


def tolerates(toleration: Mapping[str, Any], taint: Taint) -> bool:
    """Whether one toleration covers one taint. An empty key with Exists covers all, an empty effect each effect."""
    if toleration.get("effect") and toleration["effect"] != taint.get("effect"):
        return False
    if toleration.get("key") and toleration["key"] != taint["key"]:
        return False
    operator = toleration.get("operator") or "Equal"
    if operator == "Exists":
        return True
    return operator == "Equal" and (toleration.get("value") or "") == (taint.get("value") or "")


def untolerated(taints: Iterable[Taint], tolerations: Iterable[Mapping[str, Any]]) -> Taint | None:
    """The first taint that keeps the pod off; None if there is none. PreferNoSchedule keeps nobody off."""
    known = list(tolerations)
    for taint in taints:
        if taint.get("effect") in REPELLING and not any(tolerates(one, taint) for one in known):
            return taint
    return None


def passes(taint: Taint) -> bool:
    """Whether a taint stands for a state that a node leaves again: it is no reason for "never"."""
    key = str(taint["key"])
    return key.startswith(PASSING) or bool(WORDS.search(key))


def told(taint: Taint) -> str:
    """`key=value:effect`, as kubectl taint writes it."""
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint.get('effect', '')}"
