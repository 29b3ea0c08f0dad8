"""Priorities of pods, and the pods that an ask could push out: told, never counted.

Source: the scheduler's DefaultPreemption: pods of lower priority, on nodes where the pod fits without them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.plan.fit.nodes import Pod


@dataclass(frozen=True)
class Priorities:
    """PriorityClasses by name. `unread`: they could not be listed."""

    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    unread: bool = False

    def of(self, pod: Pod) -> int:
        """A pod's priority: as it says, else its class's, else that of the default class, else 0."""
        spec = pod["spec"]
        if spec.get("priority") is not None:
            return int(spec["priority"])
        found = self._class(pod)
        return int(found.get("value") or 0) if found else 0

    def pushes(self, pod: Pod) -> bool:
        """Whether a pod may push others out."""
        said = pod["spec"].get("preemptionPolicy") or (self._class(pod) or {}).get("preemptionPolicy")
        return said != "Never"

    def applied(self, pod: Pod) -> Pod:
        """The pod with the class that it gets where it names none."""
        name = pod["spec"].get("priorityClassName") or self.default()
        if not name or name == pod["spec"].get("priorityClassName"):
            return pod
        return {**pod, "spec": {**pod["spec"], "priorityClassName": name}}

    def default(self) -> str:
        """The class of pods that name none: of several, the API server takes the one with the lowest value."""
        chosen = [name for name, one in self.classes.items() if one.get("globalDefault")]
        return min(chosen, key=lambda name: int(self.classes[name].get("value") or 0), default="")

    def _class(self, pod: Pod) -> Mapping[str, Any] | None:
        return self.classes.get(pod["spec"].get("priorityClassName") or self.default())
