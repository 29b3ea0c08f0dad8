"""The grammar of kwok's Stages: what matches, what is done, after which delay."""

from __future__ import annotations

from typing import Any

Stage = dict[str, Any]
Match = dict[str, Any]

MODE = '.metadata.annotations["sim/mode"]'
LIVE: Match = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
# `$root` is the object, `$a` its annotations.
START = """{{ $now := Now }}
{{ $root := . }}
{{ $a := or .metadata.annotations dict }}
"""


def is_in(key: str, *values: str) -> Match:
    """The value is one of these."""
    return {"key": key, "operator": "In", "values": list(values)}


def not_in(key: str, *values: str) -> Match:
    """The value is none of these, or there is none."""
    return {"key": key, "operator": "NotIn", "values": list(values)}


def has(key: str) -> Match:
    """There is a value."""
    return {"key": key, "operator": "Exists"}


def lacks(key: str) -> Match:
    """There is no value."""
    return {"key": key, "operator": "DoesNotExist"}


def stage(kind: str, name: str, match: list[Match], then: Stage, **rest: Any) -> Stage:
    """One Stage: objects of `kind` that match become what `then` says; `rest` holds weight and delay."""
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": match},
            **rest,
            **then,
        },
    }


def to_status(template: str, event: tuple[str, str, str] | None = None) -> Stage:
    """What a stage does: patch the status by a template, and say so in an event (type, reason, message)."""
    said = dict(zip(("type", "reason", "message"), event, strict=True)) if event else None
    return {"next": {"statusTemplate": START + template, **({"event": said} if said else {})}}


def delay(milliseconds: int, annotation: str) -> Stage:
    """So many milliseconds, unless the annotation gives a duration."""
    source = {"expressionFrom": f'.metadata.annotations["{annotation}"]'}
    return {"durationMilliseconds": milliseconds, "durationFrom": source}
