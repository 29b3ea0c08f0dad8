"""Limit ranges: what a namespace fills into pods that say nothing, and what it refuses.

Source: plugin/pkg/admission/limitranger/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlstack.compose.manifests import copied
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.phrases import out_of_range
from mlstack.plan.fit.requests import Amounts, amounts, pod_requests


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
    return [text for one in ranges for text in _refusals(pod, one)]


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
        for container in pod["spec"]["containers"]:
            resources = container.get("resources") or {}
            needs = amounts({**(resources.get("limits") or {}), **(resources.get("requests") or {})})
            yield from _outside(needs, item, f"container {container.get('name', '')}", name)
    for item in _items(limit_range, "Pod"):
        yield from _outside(pod_requests(pod), item, "the pod", name)


def _outside(needs: Amounts, item: Mapping[str, Any], what: str, name: str) -> Iterator[str]:
    for resource, least in amounts(item.get("min")).items():
        if needs.get(resource, 0) < least:
            yield out_of_range(what, resource, str(item["min"][resource]), name, more=False)
    for resource, most in amounts(item.get("max")).items():
        if needs.get(resource, 0) > most:
            yield out_of_range(what, resource, str(item["max"][resource]), name, more=True)


def _items(limit_range: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    return [item for item in (limit_range.get("spec") or {}).get("limits") or () if item.get("type") == kind]
