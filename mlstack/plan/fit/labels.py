"""Selectors: of nodes by label and field, of pods by label.

Source: k8s.io/component-helpers scheduling/corev1/nodeaffinity, k8s.io/apimachinery labels.Requirement.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Labels = Mapping[str, str]


def node_matches(spec: Mapping[str, Any], name: str, labels: Labels) -> bool:
    """Whether a pod's nodeSelector and required node affinity allow a node."""
    if any(labels.get(key) != value for key, value in (spec.get("nodeSelector") or {}).items()):
        return False
    affinity = (spec.get("affinity") or {}).get("nodeAffinity") or {}
    required = affinity.get("requiredDuringSchedulingIgnoredDuringExecution")
    if required is None:
        return True
    return any_term(required, name, labels)


def any_term(selector: Mapping[str, Any], name: str, labels: Labels) -> bool:
    """Whether one of a node selector's terms matches a node."""
    return any(_term_matches(term, name, labels) for term in selector.get("nodeSelectorTerms") or ())


def selects(selector: Mapping[str, Any] | None, labels: Labels) -> bool:
    """Whether a label selector matches; none matches nothing, an empty one everything."""
    if selector is None:
        return False
    equal = (selector.get("matchLabels") or {}).items()
    return all(labels.get(key) == value for key, value in equal) and all(
        _holds(one, labels) for one in selector.get("matchExpressions") or ()
    )


def _term_matches(term: Mapping[str, Any], name: str, labels: Labels) -> bool:
    expressions, fields = term.get("matchExpressions") or (), term.get("matchFields") or ()
    if not expressions and not fields:
        return False  # an empty term selects no node
    by_field = {"metadata.name": name}
    return all(_holds(one, labels) for one in expressions) and all(_holds(one, by_field) for one in fields)


def _holds(requirement: Mapping[str, Any], labels: Labels) -> bool:
    found, values = labels.get(requirement["key"]), requirement.get("values") or ()
    match requirement["operator"]:
        case "In":
            return found in values
        case "NotIn":
            return found not in values
        case "Exists":
            return found is not None
        case "DoesNotExist":
            return found is None
        case "Gt" | "Lt" as operator:
            return _compares(found, values, operator)
        case _:
            return False


def _compares(found: str | None, values: Any, operator: str) -> bool:
    """Whole numbers only; anything else matches nothing."""
    try:
        mine, theirs = int(found or ""), int(values[0])
    except (ValueError, IndexError):
        return False
    return mine > theirs if operator == "Gt" else mine < theirs
