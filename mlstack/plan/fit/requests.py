"""What a pod asks of its node, counted as the scheduler counts it.

Source: k8s.io/component-helpers resource/helpers.go (PodRequests) and the scheduler's NodeResourcesFit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal
from functools import lru_cache
from typing import Any

from mlstack.plan.quantities import amount

Amounts = dict[str, int]
"""Amounts by resource: cpu in thousandths of a core, all else in the resource's own unit (bytes, devices, pods)."""

COUNTED = "requests"  # no field of Kubernetes': what a pod requests, where that was counted before
BYTES = ("memory", "storage", "ephemeral-storage")
BINARY = (("Ti", 2**40), ("Gi", 2**30), ("Mi", 2**20), ("Ki", 2**10))
DECIMAL = (("T", 10**12), ("G", 10**9), ("M", 10**6))
POD_LEVEL = ("cpu", "memory")  # and hugepages-*: what spec.resources of a pod may say


@lru_cache(maxsize=65536)
def whole(resource: str, quantity: str | int | float) -> int:
    """A quantity as a whole number, rounded up as the scheduler does; 0 for what is no quantity."""
    value = amount(quantity) or Decimal(0)
    return int((value * 1000 if resource == "cpu" else value).to_integral_value(ROUND_CEILING))


def amounts(quantities: Mapping[str, Any] | None) -> Amounts:
    """A map of quantities as whole numbers."""
    return {name: whole(name, quantity) for name, quantity in (quantities or {}).items()}


def pod_requests(pod: Mapping[str, Any]) -> Amounts:
    """What a pod (or a pod template) needs: the larger of its containers with sidecars, and each init container.

    Overhead comes on top; amounts said for the pod as a whole win. A pod that is being resized counts with the larger
    of what it has and what it wants. What was counted before, as slim pods carry it, is taken as it is.
    """
    if COUNTED in pod:
        counted: Amounts = pod[COUNTED]
        return counted
    spec = pod["spec"]
    held = _held(pod["status"]) if "status" in pod else {}
    running: Amounts = {}
    for container in spec["containers"]:
        add(running, _of(container, held))
    init = spec.get("initContainers")
    if init:
        running = _with_init(running, init, held)
    if spec.get("resources"):
        running |= _pod_level(spec["resources"], running)
    if spec.get("overhead"):
        add(running, amounts(spec["overhead"]))
    return running


def pod_limits(pod: Mapping[str, Any]) -> Amounts:
    """A pod's limits, added up as its requests are; overhead adds only to what has a limit (PodLimits)."""
    spec = pod["spec"]
    limited = {key: [_limited(one) for one in spec.get(key) or ()] for key in ("containers", "initContainers")}
    resources = {"requests": (spec.get("resources") or {}).get("limits") or {}}
    found = pod_requests({"spec": {**spec, **limited, "resources": resources, "overhead": {}}})
    for name, number in amounts(spec.get("overhead")).items():
        if name in found:
            found[name] += number
    return found


def told(resource: str, number: int) -> str:
    """An amount as people write it: 1500 of cpu is 1.5; bytes as 85Gi, 3G or, where neither is even, 82.21Gi."""
    if resource == "cpu":
        return f"{number / 1000:g}"
    if resource in BYTES or resource.startswith("hugepages-"):
        return _bytes(number)
    return str(number)


def _bytes(number: int) -> str:
    """In the largest unit of which it is some tenths, binary ones first; else with two digits, rounded down."""
    for units in (BINARY, DECIMAL):
        for suffix, size in units:
            if number >= size and number * 10 % size == 0 and number // size < 10_000:
                return (
                    f"{number // size}{suffix}"
                    if number % size == 0
                    else f"{number // size}.{number * 10 // size % 10}{suffix}"
                )
    suffix, size = next(((suffix, size) for suffix, size in BINARY if number >= size), ("", 1))
    return f"{number // size}.{number * 100 // size % 100:02}{suffix}" if suffix else str(number)


def add(total: Amounts, more: Mapping[str, int]) -> None:
    """Adds amounts to a total, in place."""
    for name, number in more.items():
        total[name] = total.get(name, 0) + number


def _with_init(running: Amounts, init: Iterable[Mapping[str, Any]], held: Mapping[str, Amounts]) -> Amounts:
    """Sidecars (init containers that restart always) run beside all that comes after them."""
    sidecars: Amounts = {}
    peak: Amounts = {}
    for container in init:
        now = dict(sidecars)
        add(now, _of(container, held))
        if container.get("restartPolicy") == "Always":
            sidecars = now
        peak = _larger(peak, now)
    add(running, sidecars)
    return _larger(running, peak)


def _of(container: Mapping[str, Any], held: Mapping[str, Amounts]) -> Amounts:
    """A container's requests; where it has a limit only, the API server makes that its request."""
    resources = container.get("resources")
    if not resources:
        asked: Amounts = {}
    else:
        asked = amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
    has = held.get(container.get("name", ""))
    return _larger(asked, has) if has else asked


def _limited(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """The container as if it requested its limits."""
    return {**container, "resources": {"requests": (container.get("resources") or {}).get("limits") or {}}}


def _held(status: Mapping[str, Any]) -> dict[str, Amounts]:
    """What running containers have been given, by name: it differs from the spec while a pod is being resized."""
    statuses = [*(status.get("containerStatuses") or ()), *(status.get("initContainerStatuses") or ())]
    found = {}
    for one in statuses:
        given = amounts(one.get("allocatedResources"))
        actual = amounts((one.get("resources") or {}).get("requests"))
        if given or actual:
            found[one["name"]] = _larger(given, actual)
    return found


def _pod_level(resources: Mapping[str, Any], containers: Amounts) -> Amounts:
    """Limits of the pod count where neither it nor a container requests that resource."""
    limits = {name: n for name, n in amounts(resources.get("limits")).items() if name not in containers}
    found = limits | amounts(resources.get("requests"))
    return {name: n for name, n in found.items() if name in POD_LEVEL or name.startswith("hugepages-")}


def _larger(one: Mapping[str, int], other: Mapping[str, int]) -> Amounts:
    return {name: max(one.get(name, 0), other.get(name, 0)) for name in {**one, **other}}
