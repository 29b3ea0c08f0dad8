"""Pods without what has no part in where others go, and with what they request, counted once: a tenth of their size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.plan.fit.requests import COUNTED, pod_requests

METADATA = ("name", "namespace", "labels", "deletionTimestamp", "ownerReferences")
SPEC = ("nodeName", "priority", "schedulerName", "volumes")
VOLUME = ("name", "persistentVolumeClaim", "ephemeral")
STATUS = ("phase", "nominatedNodeName")


def slim(pod: Mapping[str, Any]) -> dict[str, Any]:
    """What of a pod that is there the scheduler's rules look at when they place another one."""
    spec = pod["spec"]
    small = _only(spec, SPEC)
    if "volumes" in small:
        small["volumes"] = [found for one in small["volumes"] if (found := _only(one, VOLUME)) and len(found) > 1]
    if (spec.get("affinity") or {}).get("podAntiAffinity"):
        small["affinity"] = {"podAntiAffinity": spec["affinity"]["podAntiAffinity"]}
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    both = [_ports(one) for one in (*spec["containers"], *sidecars)]
    small["containers"] = [{"ports": ports} for ports in both if ports]
    metadata, status = _only(pod["metadata"], METADATA), _only(pod.get("status") or {}, STATUS)
    return {"metadata": metadata, "spec": small, "status": status, COUNTED: pod_requests(pod)}


def _ports(container: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The ports of its node that a container takes."""
    return [port for port in container.get("ports") or () if port.get("hostPort")]


def _only(mapping: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: mapping[key] for key in keys if key in mapping}
