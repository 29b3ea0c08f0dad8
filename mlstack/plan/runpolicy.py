"""What every pod of a run gets besides what its template says, so that it says more when it fails."""

from __future__ import annotations

import copy
from typing import Any

from mlstack.compose.manifests import Manifest, pod_templates

POLICY = "terminationMessagePolicy"
FROM_LOGS = "FallbackToLogsOnError"  # the end of a failed container's log goes into its pod's status


def with_last_words(manifest: Manifest) -> Manifest:
    """The run with the policy on each container that sets none. Its hash is that of the manifest before this."""
    if manifest["kind"] == "TrainJob":
        return manifest  # it patches its runtime's pods, and a patch of theirs has no such field
    if not any(_without(template) for _, template in pod_templates(manifest)):
        return manifest
    found = copy.deepcopy(manifest)
    for _, template in pod_templates(found):
        for container in _without(template):
            container[POLICY] = FROM_LOGS
    return found


def _without(template: Manifest) -> list[dict[str, Any]]:
    spec = template.get("spec") or {}
    containers = [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]
    return [one for one in containers if isinstance(one, dict) and POLICY not in one]
