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
    """PriorityClasses by name; none where no ask has one, for then they are not read."""

    classes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

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

    def _class(self, pod: Pod) -> Mapping[str, Any] | None:
        name = pod["spec"].get("priorityClassName")
        if name:
            return self.classes.get(name)
        return next((one for one in self.classes.values() if one.get("globalDefault")), None)
