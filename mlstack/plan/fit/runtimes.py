"""RuntimeClasses: what the API server adds to pods that name one.

Source: plugin/pkg/admission/runtimeclass (KEPs 585, 688): overhead, node selector and tolerations.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.plan.fit.nodes import Pod

Classes = Mapping[str, Mapping[str, Any]]


def with_runtime(pod: Pod, classes: Classes | None) -> Pod:
    """The pod as admission leaves it: with its class's overhead, node selector and tolerations."""
    name = pod["spec"].get("runtimeClassName")
    found = (classes or {}).get(name) if name else None
    if found is None:
        return pod
    spec, scheduling = dict(pod["spec"]), found.get("scheduling") or {}
    if overhead := (found.get("overhead") or {}).get("podFixed"):
        spec["overhead"] = overhead
    if selector := scheduling.get("nodeSelector"):
        spec["nodeSelector"] = {**(spec.get("nodeSelector") or {}), **selector}
    if tolerations := scheduling.get("tolerations"):
        spec["tolerations"] = [*(spec.get("tolerations") or ()), *tolerations]
    return {**pod, "spec": spec}


def missing_runtime(pod: Pod, classes: Classes | None) -> str:
    """Why pods without their class are refused, in words; "" where it is there, or where classes were not read."""
    name = pod["spec"].get("runtimeClassName")
    return f"RuntimeClass {name} is not there" if name and classes is not None and name not in classes else ""
