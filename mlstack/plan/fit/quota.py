"""What a namespace still allows: resource quotas, and the limits that it sets for each pod.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core/pods.go and plugin/pkg/admission/limitranger.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.phrases import over_quota
from mlstack.plan.fit.requests import Amounts, add, pod_limits, pod_requests, told, whole

COUNTED = ("pods", "count/pods")
SAID = {name: kind for kind in ("cpu", "memory") for name in (kind, f"requests.{kind}", f"limits.{kind}")}
# Entries about which each container has to say something, by what they are about.


@dataclass(frozen=True)
class Allowed:
    """How many pods a quota still lets in. `resource` is its scarcest entry, `left` and `hard` what it says there."""

    quota: str
    count: int
    resource: str
    left: int
    hard: int


def allowed(quotas: Iterable[Mapping[str, Any]], pod: Pod) -> Allowed | None:
    """The strictest of the quotas that count a pod, with how many like it it lets in; None where none does."""
    found = [one for quota in quotas if covers(quota, pod) for one in _entries(quota, pod)]
    return min(found, key=lambda one: one.count, default=None)


def exceeded(quota: Mapping[str, Any], pods: Sequence[tuple[Pod, int]]) -> str:
    """What of a quota so many pods of each kind ask too much of, in words; "" if it lets all of them in."""
    total: Amounts = {}
    for pod, count in pods:
        if covers(quota, pod):
            if silent := _silent(quota, pod):
                return silent
            add(total, {name: cost * count for name, cost in _costs(pod).items()})
    hard, used = _figures(quota)
    for resource, limit in hard.items():
        asked, left = total.get(resource, 0), max(0, limit - used.get(resource, 0))
        if asked > left:
            left_, limit_, asked_ = (told(_resource(resource), number) for number in (left, limit, asked))
            return over_quota(quota["metadata"]["name"], resource, left_, limit_, asked_)
    return ""


def covers(quota: Mapping[str, Any], pod: Pod) -> bool:
    """Whether a quota counts a pod: one with scopes counts those of its scopes only."""
    spec = quota.get("spec") or {}
    plain = all(_in_scope(scope, pod) for scope in spec.get("scopes") or ())
    selector = (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return plain and all(_selected(one, pod) for one in selector)


def _entries(quota: Mapping[str, Any], pod: Pod) -> Iterator[Allowed]:
    (hard, used), costs = _figures(quota), _costs(pod)
    for resource, limit in hard.items():
        cost = costs.get(resource, 0)
        if cost:
            left = limit - used.get(resource, 0)
            yield Allowed(quota["metadata"]["name"], max(0, left // cost), resource, left, limit)


def _silent(quota: Mapping[str, Any], pod: Pod) -> str:
    """A container that does not say how much it asks of what the quota counts: such pods are refused."""
    spec = pod["spec"]
    demanded = [name for name in _figures(quota)[0] if name in SAID]
    for container in (*spec["containers"], *(spec.get("initContainers") or ())):
        said = _said(container) | _said(spec)
        for name in demanded:
            if name not in said:
                quota_name = quota["metadata"]["name"]
                return f"ResourceQuota/{quota_name} wants {_phrase(name)} of container {container['name']}"
    return ""


def _said(holder: Mapping[str, Any]) -> set[str]:
    """Entries of a quota about which a container, or the pod as a whole, says something."""
    resources = holder.get("resources") or {}
    limits, requests = set(resources.get("limits") or ()), set(resources.get("requests") or ())
    return {f"limits.{name}" for name in limits} | _requested(limits | requests)


def _requested(names: Collection[str]) -> set[str]:
    return {*names, *(f"requests.{name}" for name in names)}


def _phrase(entry: str) -> str:
    return f"a {SAID[entry]} {'limit' if entry.startswith('limits.') else 'request'}"


def _figures(quota: Mapping[str, Any]) -> tuple[Amounts, Amounts]:
    """What a quota allows and what is used of it. Before its controller has seen it, only its spec says something."""
    status = quota.get("status") or {}
    hard = status.get("hard") or (quota.get("spec") or {}).get("hard")
    return _numbers(hard), _numbers(status.get("used"))


def _numbers(quantities: Mapping[str, Any] | None) -> Amounts:
    """Amounts by the quota's own names; those of cpu in thousandths."""
    return {name: whole(_resource(name), quantity) for name, quantity in (quantities or {}).items()}


def _resource(name: str) -> str:
    """`requests.cpu` and `limits.cpu` are about cpu; `cpu` alone is its request."""
    return name.removeprefix("requests.").removeprefix("limits.")


def _costs(pod: Pod) -> Amounts:
    """What one pod takes of each entry that a quota may have."""
    requests, limits = pod_requests(pod), pod_limits(pod)
    costs: Amounts = dict.fromkeys(COUNTED, 1)
    for name, number in requests.items():
        add(costs, {f"requests.{name}": number})
        if name in ("cpu", "memory", "ephemeral-storage"):
            costs[name] = number
    return costs | {f"limits.{name}": number for name, number in limits.items()}


def _in_scope(scope: str, pod: Pod) -> bool:
    spec = pod["spec"]
    match scope:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return not (pod_requests(pod) or pod_limits(pod))
        case "NotBestEffort":
            return not _in_scope("BestEffort", pod)
        case "CrossNamespacePodAffinity":
            return _looks_elsewhere(spec)
        case _:
            return bool(spec.get("priorityClassName"))  # PriorityClass without a selector: any


def _looks_elsewhere(spec: Mapping[str, Any]) -> bool:
    affinity = spec.get("affinity") or {}
    kinds = [affinity.get(kind) or {} for kind in ("podAffinity", "podAntiAffinity")]
    terms = [term for kind in kinds for term in kind.get("requiredDuringSchedulingIgnoredDuringExecution") or ()]
    return any(bool(term.get("namespaces")) or term.get("namespaceSelector") is not None for term in terms)


def _selected(expression: Mapping[str, Any], pod: Pod) -> bool:
    scope, values = expression["scopeName"], expression.get("values") or ()
    if scope != "PriorityClass":
        return _in_scope(scope, pod)  # only Exists is allowed here
    name = pod["spec"].get("priorityClassName") or ""
    match expression.get("operator"):
        case "In":
            return name in values
        case "NotIn":
            return name not in values
        case "DoesNotExist":
            return not name
        case _:
            return bool(name)
