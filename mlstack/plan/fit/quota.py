"""Resource quotas: which pods and objects of an app a namespace refuses because it allows no more.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core and pkg/apis/core/v1/helper/qos.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.phrases import over_quota
from mlstack.plan.fit.requests import POD_LEVEL, Amounts, add, pod_limits, pod_requests, told, whole

Manifest = Mapping[str, Any]
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
COUNTED = ("pods", "count/pods")
OBJECTS = ("configmaps", "secrets", "replicationcontrollers", "resourcequotas", "services", "persistentvolumeclaims")
SIZED = ("cpu", "memory", "ephemeral-storage")
SAID = {name: kind for kind in ("cpu", "memory") for name in (kind, f"requests.{kind}", f"limits.{kind}")}
# Entries about which each container has to say something, by what they are about.


@dataclass(frozen=True)
class Claimant:
    """`count` equal pods that want to come into a namespace, and what else comes with them by entries of a quota."""

    name: str
    pod: Pod
    count: int
    objects: Mapping[str, int]


def refusals(quotas: Sequence[Manifest], claimants: Sequence[Claimant]) -> list[list[str]]:
    """Why quotas do not let in all of each claimant, in words; nothing for those that none keeps out.

    Pods that say too little are refused whatever is left, and take nothing of it. Claimants that one quota keeps out
    take nothing of the next; that one is named as well where they alone ask too much of it.
    """
    found = [[why for quota in quotas if (why := _silent(quota, one.pod))] for one in claimants]
    silent = [bool(why) for why in found]
    for quota in quotas:
        kept_out = [bool(why) for why in found]
        costs = [{} if mute else _cost(quota, one) for one, mute in zip(claimants, silent, strict=True)]
        together = [(at, cost) for at, cost in enumerate(costs) if not kept_out[at]]
        for group in (together, *([(at, cost)] for at, cost in enumerate(costs) if kept_out[at])):
            for text, at in _excess(quota, [(at, claimants[at].name, cost) for at, cost in group]):
                found[at].append(text)
    return found


def _excess(quota: Manifest, group: Sequence[tuple[int, str, Amounts]]) -> Iterator[tuple[str, int]]:
    """The entries of a quota of which some claimants together ask more than is left, for each that asks for any."""
    hard, used = _figures(quota)
    for resource, limit in hard.items():
        asked, left = [cost.get(resource, 0) for _, _, cost in group], max(0, limit - used.get(resource, 0))
        if sum(asked) > left:
            names = [name for _, name, _ in group]
            text = _over(quota, resource, (left, limit), list(zip(names, asked, strict=True)))
            yield from ((text, at) for (at, _, _), own in zip(group, asked, strict=True) if own)


def counts_priorities(quotas: Sequence[Manifest]) -> bool:
    """Test whether a quota counts pods by their PriorityClass."""
    return any("PriorityClass" in scope for quota in quotas for scope in _scopes(quota))


def counts_objects(quotas: Sequence[Manifest]) -> bool:
    """Test whether a quota counts other objects than pods."""
    return any(is_object_count(name) for quota in quotas for name in _figures(quota)[0])


def is_object_count(entry: str) -> bool:
    """Test whether an entry of a quota is about how many objects there are, pods left out."""
    return entry not in COUNTED and (entry.startswith("count/") or entry.partition(".")[0] in OBJECTS)


def covers(quota: Manifest, pod: Pod) -> bool:
    """Test whether a quota counts a pod: one with scopes counts those of its scopes only."""
    spec = quota.get("spec") or {}
    plain = all(_in_scope(scope, pod) for scope in spec.get("scopes") or ())
    return plain and all(_selected(one, pod) for one in _expressions(quota))


def costs(pod: Pod) -> Amounts:
    """What one pod takes of each entry that a quota may have."""
    requests, limits = pod_requests(pod), pod_limits(pod)
    found: Amounts = dict.fromkeys(COUNTED, 1)
    for name, number in requests.items():
        add(found, {f"requests.{name}": number})
        if name in SIZED or name.startswith("hugepages-"):
            found[name] = number
    return found | {f"limits.{name}": number for name, number in limits.items() if name in SIZED}


def freed(quota: Manifest, pods: Sequence[Pod], objects: Mapping[str, int]) -> Manifest:
    """The quota without what these pods and objects take of it, which are about to be replaced."""
    gone: Amounts = dict(objects)
    for pod in pods:
        if covers(quota, pod):
            add(gone, costs(pod))
    _, used = _figures(quota)
    less = {name: max(0, number - gone.get(name, 0)) for name, number in used.items()}
    written = {name: f"{number}m" if _resource(name) == "cpu" else number for name, number in less.items()}
    return {**quota, "status": {**(quota.get("status") or {}), "used": written}}


def _over(quota: Manifest, resource: str, left: tuple[int, int], asked: Sequence[tuple[str, int]]) -> str:
    """The refusal in words; of several components, with what each of them asks."""
    about = _resource(resource)
    by: Amounts = {}
    for name, number in asked:
        add(by, {name: number} if number else {})
    said = [told(about, number) for number in (*left, sum(by.values()))]
    each = ", ".join(f"{name} {told(about, number)}" for name, number in by.items()) if len(by) > 1 else ""
    return over_quota(quota["metadata"]["name"], resource, *said) + (f": {each}" if each else "")


def _cost(quota: Manifest, one: Claimant) -> Amounts:
    """What all of a claimant takes of a quota's entries. Only quotas without scopes count other objects than pods."""
    total: Amounts = {} if any(_scopes(quota)) else dict(one.objects)
    if covers(quota, one.pod):
        add(total, {name: number * one.count for name, number in costs(one.pod).items()})
    return total


def _silent(quota: Manifest, pod: Pod) -> str:
    """A container that does not say how much it asks of what the quota counts: such pods are refused."""
    spec = pod["spec"]
    if not covers(quota, pod) or _of_pod_level(spec):
        return ""
    demanded = [name for name in _figures(quota)[0] if name in SAID]
    for container in (*spec["containers"], *(spec.get("initContainers") or ())):
        said = _said(container)
        for name in demanded:
            if name not in said:
                quota_name = quota["metadata"]["name"]
                return f"ResourceQuota/{quota_name} wants {_phrase(name)} of container {container['name']}"
    return ""


def _of_pod_level(spec: Mapping[str, Any]) -> bool:
    """Test whether the pod says as a whole what it needs: its containers need not say it then."""
    resources = spec.get("resources") or {}
    names = {*(resources.get("limits") or ()), *(resources.get("requests") or ())}
    return any(name in POD_LEVEL or name.startswith("hugepages-") for name in names)


def _said(container: Mapping[str, Any]) -> set[str]:
    """Entries of a quota about which a container says something."""
    resources = container.get("resources") or {}
    limits, requests = set(resources.get("limits") or ()), set(resources.get("requests") or ())
    return {f"limits.{name}" for name in limits} | _requested(limits | requests)


def _requested(names: Collection[str]) -> set[str]:
    return {*names, *(f"requests.{name}" for name in names)}


def _phrase(entry: str) -> str:
    return f"a {SAID[entry]} {'limit' if entry.startswith('limits.') else 'request'}"


def _figures(quota: Manifest) -> tuple[Amounts, Amounts]:
    """What a quota allows and what is used of it. Before its controller has seen it, only its spec says something."""
    status = quota.get("status") or {}
    hard = status.get("hard") or (quota.get("spec") or {}).get("hard")
    return _numbers(hard), _numbers(status.get("used"))


def _numbers(quantities: Mapping[str, Any] | None) -> Amounts:
    """Amounts by the quota's own names; those of cpu in thousandths."""
    return {name: whole(_resource(name), quantity) for name, quantity in (quantities or {}).items()}


def _resource(name: str) -> str:
    """`requests.cpu` and `limits.cpu` are about cpu; `cpu` alone is its request."""
    plain = name.rpartition("storageclass.storage.k8s.io/")[2]  # gold.storageclass.storage.k8s.io/requests.storage
    return plain.removeprefix("requests.").removeprefix("limits.")


def _scopes(quota: Manifest) -> Iterator[str]:
    yield from (quota.get("spec") or {}).get("scopes") or ()
    yield from (one["scopeName"] for one in _expressions(quota))


def _expressions(quota: Manifest) -> Sequence[Mapping[str, Any]]:
    return ((quota.get("spec") or {}).get("scopeSelector") or {}).get("matchExpressions") or ()


def _in_scope(scope: str, pod: Pod) -> bool:
    spec = pod["spec"]
    match scope:
        case "Terminating":
            return spec.get("activeDeadlineSeconds") is not None
        case "NotTerminating":
            return spec.get("activeDeadlineSeconds") is None
        case "BestEffort":
            return best_effort(spec)
        case "NotBestEffort":
            return not best_effort(spec)
        case "CrossNamespacePodAffinity":
            return any(map(_looks_elsewhere, _terms(spec.get("affinity") or {})))
        case "PriorityClass":  # without a selector: any
            return bool(spec.get("priorityClassName"))
        case _:
            return False  # scopes of other kinds than pods


def best_effort(spec: Mapping[str, Any]) -> bool:
    """Test whether a pod is of QoS class BestEffort: it asks for no CPU and memory, whatever devices it asks for."""
    if _of_pod_level(spec):
        return not _computes(spec)
    return not any(map(_computes, (*spec["containers"], *(spec.get("initContainers") or ()))))


def _computes(holder: Mapping[str, Any]) -> bool:
    resources = holder.get("resources") or {}
    both = [resources.get(key) or {} for key in ("requests", "limits")]
    return any(whole(name, one[name]) for one in both for name in POD_LEVEL if name in one)


def _terms(affinity: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for kind in ("podAffinity", "podAntiAffinity"):
        rules = affinity.get(kind) or {}
        yield from rules.get(REQUIRED) or ()
        yield from (one["podAffinityTerm"] for one in rules.get(PREFERRED) or ())


def _looks_elsewhere(term: Mapping[str, Any]) -> bool:
    return bool(term.get("namespaces")) or term.get("namespaceSelector") is not None


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
