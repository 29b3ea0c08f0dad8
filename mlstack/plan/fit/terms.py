"""Affinity terms and spread constraints of pods: the pods that they are about.

Source: the scheduler's framework AffinityTerm.Matches; the API server's pod strategy, which turns matchLabelKeys and
mismatchLabelKeys into requirements (KEP-3633); PodTopologySpread (KEP-3243).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mlstack.plan.fit.labels import Labels, selects
from mlstack.plan.fit.nodes import Pod

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"

Term = Mapping[str, Any]


def terms(pod: Pod, kind: str) -> Sequence[Term]:
    """A pod's required terms of a kind: podAffinity, podAntiAffinity."""
    affinity = pod["spec"].get("affinity")
    return ((affinity.get(kind) or {}).get(REQUIRED) or ()) if affinity else ()


def meets(term: Term, owner: Pod, other: Pod) -> bool:
    """Whether `owner`'s term is about `other`."""
    return namespace_of(other) in _namespaces(term, owner, other) and selects(
        keyed(term.get("labelSelector"), term, owner), labels_of(other)
    )


def meets_all(wanted: Iterable[Term], owner: Pod, other: Pod) -> bool:
    """Whether `other` is meant by each of `owner`'s terms: pods that only some of them mean do not count."""
    return all(meets(term, owner, other) for term in wanted)


def without_company(pod: Pod) -> Pod:
    """A pod without its affinity to others' pods; that to pods like itself stays."""
    wanted = terms(pod, "podAffinity")
    if not wanted or meets_all(wanted, pod, pod):
        return pod
    affinity = {key: rule for key, rule in pod["spec"]["affinity"].items() if key != "podAffinity"}
    return {**pod, "spec": {**pod["spec"], "affinity": affinity}}


def keyed(selector: Mapping[str, Any] | None, rule: Mapping[str, Any], pod: Pod) -> Mapping[str, Any] | None:
    """A selector with the pod's own values of matchLabelKeys, and without those of mismatchLabelKeys."""
    if selector is None or not (rule.get("matchLabelKeys") or rule.get("mismatchLabelKeys")):
        return selector
    more = [*_requirements(rule, "matchLabelKeys", "In", pod), *_requirements(rule, "mismatchLabelKeys", "NotIn", pod)]
    return {**selector, "matchExpressions": [*(selector.get("matchExpressions") or ()), *more]}


def _requirements(rule: Mapping[str, Any], field: str, operator: str, pod: Pod) -> Iterator[Mapping[str, Any]]:
    """Labels that the pod does not have are left out."""
    labels = labels_of(pod)
    for key in rule.get(field) or ():
        if key in labels:
            yield {"key": key, "operator": operator, "values": [labels[key]]}


def _namespaces(term: Term, owner: Pod, other: Pod) -> set[str]:
    """Its own namespace unless it names others; an empty selector means all of them."""
    named = set(term.get("namespaces") or ())
    if term.get("namespaceSelector") == {}:
        return {namespace_of(other)}
    return named or {namespace_of(owner)}


def labels_of(pod: Pod) -> Labels:
    """A pod's labels."""
    return (pod.get("metadata") or {}).get("labels") or {}


def namespace_of(pod: Pod) -> str:
    """The namespace that a pod is or will be in."""
    return (pod.get("metadata") or {}).get("namespace") or "default"
