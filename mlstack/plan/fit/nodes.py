"""Nodes with what is free on them.

Source: the scheduler's NodeInfo: pods count from their binding until they have ended, also while they terminate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.plan.fit.labels import Labels
from mlstack.plan.fit.requests import Amounts, add, amounts, pod_requests
from mlstack.plan.fit.taints import CORDON, Taint, passes

ENDED = frozenset({"Succeeded", "Failed"})

Pod = Mapping[str, Any]


@dataclass
class Room:
    """A node and what is on it. `used` counts `pods`, those bound here or nominated to come here."""

    name: str
    labels: Labels
    taints: tuple[Taint, ...]
    allocatable: Amounts
    used: Amounts = field(default_factory=dict)
    pods: list[Pod] = field(default_factory=list)

    def free(self, resource: str) -> int:
        """What a new pod may still ask for; below 0 where the node holds more than it offers."""
        held = len(self.pods) if resource == "pods" else self.used.get(resource, 0)
        return self.allocatable.get(resource, 0) - held

    def empty(self, promised: Mapping[str, int] | None = None) -> Room:
        """The same node without its pods, open, with the devices that it is `promised`: passing taints are gone."""
        taints = tuple(taint for taint in self.taints if not passes(taint))
        return Room(self.name, self.labels, taints, {**self.allocatable, **(promised or {})})


def rooms(nodes: Iterable[Mapping[str, Any]], pods: Iterable[Pod], *, priority: int = 0) -> list[Room]:
    """Each node with the pods that count for a pod of `priority`, in the nodes' order."""
    found = {room.name: room for room in map(_room, nodes)}
    for pod in pods:
        room = found.get(_place(pod, priority))
        if room is not None:
            add(room.used, pod_requests(pod))
            room.pods.append(pod)
    return list(found.values())


def holds(pod: Pod) -> bool:
    """Whether a pod is bound to a node and has not ended."""
    return bool(pod["spec"].get("nodeName")) and (pod.get("status") or {}).get("phase") not in ENDED


def _place(pod: Pod, priority: int) -> str:
    """The node on which a pod counts: where it is bound, or where the scheduler makes room for it; "" for none."""
    status = pod.get("status") or {}
    if status.get("phase") in ENDED:
        return ""
    if bound := pod["spec"].get("nodeName"):
        return str(bound)
    nominated = status.get("nominatedNodeName") or ""
    return nominated if (pod["spec"].get("priority") or 0) >= priority else ""


def _room(node: Mapping[str, Any]) -> Room:
    spec, metadata = node.get("spec") or {}, node["metadata"]
    taints = tuple(spec.get("taints") or ())
    if spec.get("unschedulable") and not any(taint["key"] == CORDON["key"] for taint in taints):
        taints = (*taints, CORDON)
    allocatable = amounts((node.get("status") or {}).get("allocatable"))
    return Room(metadata["name"], metadata.get("labels") or {}, taints, allocatable)
