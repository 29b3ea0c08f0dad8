"""Paths inside a manifest as people read them: spec.containers[tensorflow].resources.limits[nvidia.com/gpu]."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Step = str | int

# What names an element of a list, the first that there is.
_NAMES = ("name", "key", "mountPath", "containerPort", "port", "type", "ip")


def path_text(root: Any, steps: Sequence[Step]) -> str:
    """The path `steps` from `root`; elements of lists are told by their names where they have one."""
    text, node = "", root
    for step in steps:
        if isinstance(node, list):
            node = node[int(step)]
            text += f"[{element_name(node, int(step))}]"
        else:
            node = node.get(step) if isinstance(node, dict) else None
            text += field_text(str(step), first=not text)
    return text


def field_text(field: str, first: bool) -> str:
    """A map's key as a part of a path: in brackets where it has dots or slashes of its own."""
    if any(mark in field for mark in "./[]"):
        return f"[{field}]"
    return field if first else f".{field}"


def element_name(element: Any, index: int) -> str:
    """How an element of a list is told: by its name, port, path …, else by its index."""
    key = next((key for key in _NAMES if isinstance(element, dict) and key in element), None)
    return str(index) if key is None else str(element[key])
