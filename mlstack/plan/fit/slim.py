"""Pods without what has no part in where others go: a tenth of their size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

METADATA = ("name", "namespace", "labels", "deletionTimestamp", "ownerReferences")
SPEC = ("nodeName", "priority", "affinity", "overhead", "resources", "schedulerName", "volumes")
STATUS = ("phase", "nominatedNodeName")
CONTAINER = ("name", "resources", "restartPolicy")
GIVEN = ("name", "allocatedResources", "resources")


def slim(pod: Mapping[str, Any]) -> dict[str, Any]:
    """What of a pod the scheduler's rules look at."""
    spec, status = pod["spec"], pod.get("status") or {}
    small = _only(spec, SPEC)
    if "volumes" in small:
        small["volumes"] = [one for one in small["volumes"] if "persistentVolumeClaim" in one]
    for key in ("containers", "initContainers"):
        if spec.get(key):
            small[key] = [_container(one) for one in spec[key]]
    state = _only(status, STATUS)
    for key in ("containerStatuses", "initContainerStatuses"):
        given = [
            _only(one, GIVEN) for one in status.get(key) or () if "allocatedResources" in one or "resources" in one
        ]
        if given:
            state[key] = given
    return {"metadata": _only(pod["metadata"], METADATA), "spec": small, "status": state}


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    small = _only(container, CONTAINER)
    ports = [port for port in container.get("ports") or () if port.get("hostPort")]
    return {**small, "ports": ports} if ports else small


def _only(mapping: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: mapping[key] for key in keys if key in mapping}
