"""Limit ranges: what a namespace fills into pods that say nothing, and what it refuses.

Source: plugin/pkg/admission/limitranger/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mlstack.compose.manifests import copied
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.phrases import out_of_range
from mlstack.plan.fit.requests import Amounts, amounts, pod_limits, pod_requests
from mlstack.plan.quantities import amount


@dataclass(frozen=True)
class _Asked:
    """What a container, or a whole pod, requests at least and has at most."""

    what: str
    requests: Amounts
    limits: Amounts


def with_defaults(pod: Pod, ranges: Iterable[Mapping[str, Any]]) -> Pod:
    """The pod as admission leaves it: a namespace's default requests and limits where its containers have none."""
    items = [item for one in ranges for item in _items(one, "Container")]
    if not items:
        return pod
    changed = {**pod, "spec": copied(pod["spec"])}
    for container in (*changed["spec"]["containers"], *(changed["spec"].get("initContainers") or ())):
        for item in items:
            _fill(container, item)
    return changed


def refusals(pod: Pod, ranges: Iterable[Mapping[str, Any]]) -> list[str]:
    """Why a namespace would refuse the pod, in words; none if it would not."""
    return [text for one in ranges for text in (*_refusals(pod, one), *_crossed(pod, one))]


def _crossed(pod: Pod, limit_range: Mapping[str, Any]) -> Iterator[str]:
    """A request above its limit is refused: a default may be lower than what a container asks for."""
    if not any(item.get("default") for item in _items(limit_range, "Container")):
        return
    for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
        resources = container.get("resources") or {}
        limits = amounts(resources.get("limits"))
        for resource, number in amounts(resources.get("requests")).items():
            if number > limits.get(resource, number):
                told = (f"container {container.get('name', '')}", str(resources["limits"][resource]))
                yield out_of_range(told[0], resource, told[1], limit_range["metadata"]["name"], more=True)


def _fill(container: dict[str, Any], item: Mapping[str, Any]) -> None:
    """A limit of the container's own comes before a default request, since the API server makes it the request."""
    resources = container.setdefault("resources", {})
    own = resources.get("limits") or {}
    requests = {**(item.get("defaultRequest") or {}), **own, **(resources.get("requests") or {})}
    resources["limits"] = {**(item.get("default") or {}), **own}
    resources["requests"] = requests


def _refusals(pod: Pod, limit_range: Mapping[str, Any]) -> Iterator[str]:
    name = limit_range["metadata"]["name"]
    for item in _items(limit_range, "Container"):
        for container in (*pod["spec"]["containers"], *(pod["spec"].get("initContainers") or ())):
            resources = container.get("resources") or {}
            limits = amounts(resources.get("limits"))
            requests = limits | amounts(resources.get("requests"))
            yield from _outside(_Asked(f"container {container.get('name', '')}", requests, limits), item, name)
    bare = {"spec": {**pod["spec"], "overhead": {}}}  # LimitRanger leaves a RuntimeClass's overhead out
    for item in _items(limit_range, "Pod"):
        yield from _outside(_Asked("the pod", pod_requests(bare), pod_limits(bare)), item, name)


def _outside(asked: _Asked, item: Mapping[str, Any], name: str) -> Iterator[str]:
    """What is asked has to be said where a range bounds it: a request for the least, a limit for the most."""
    requests, limits = asked.requests, asked.limits
    for resource, least in amounts(item.get("min")).items():
        if requests.get(resource, 0) < least or limits.get(resource, least) < least:
            yield out_of_range(asked.what, resource, str(item["min"][resource]), name, more=False)
    for resource, most in amounts(item.get("max")).items():
        if max(requests.get(resource, 0), limits.get(resource, 0)) > most:
            yield out_of_range(asked.what, resource, str(item["max"][resource]), name, more=True)
        elif resource not in limits:
            yield f"{asked.what} has no {resource} limit, and LimitRange/{name} demands one"
    for resource, ratio in (item.get("maxLimitRequestRatio") or {}).items():
        request, limit = requests.get(resource, 0), limits.get(resource, 0)
        if not request or not limit or Decimal(limit) / request > (amount(ratio) or 0):
            yield f"{asked.what}'s {resource} limit is over {ratio} times its request, which LimitRange/{name} forbids"


def _items(limit_range: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [item for item in (limit_range.get("spec") or {}).get("limits") or () if item.get("type") == kind]


def out_of_claims_range(claim: str, requests: Mapping[str, str], ranges: Iterable[Mapping[str, Any]]) -> str:
    """Why a namespace refuses a PersistentVolumeClaim, in words; "" if it does not."""
    asked, what = amounts({"storage": "0", **requests}), f"PersistentVolumeClaim {claim}"
    for one in ranges:
        for item in _items(one, "PersistentVolumeClaim"):
            for bound in ("min", "max"):
                for resource, value in amounts(item.get(bound)).items():
                    more = asked.get(resource, 0) > value
                    if asked.get(resource, 0) != value and more is (bound == "max"):
                        said = str(item[bound][resource])
                        return out_of_range(what, resource, said, one["metadata"]["name"], more=more)
    return ""
