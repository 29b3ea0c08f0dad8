"""Platforms: what a kind of cluster has in common. Vendored into the app, one file each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from mlstack.app.packages import read_document
from mlstack.bundled import bundled
from mlstack.errors import MlstackError, did_you_mean

GENERIC = "generic"


def platform_names() -> tuple[str, ...]:
    """The platforms that this mlstack ships, sorted."""
    return tuple(sorted(path.stem for path in bundled("environments").glob("*.yaml")))


def platform_path(name: str) -> Path:
    """The file of a platform that this mlstack ships. Raises MlstackError for an unknown one."""
    names = platform_names()
    if name not in names:
        raise MlstackError(f"There is no platform {name}.", did_you_mean(name, names))
    return bundled("environments") / f"{name}.yaml"


def read_platform(path: Path, source: str) -> dict[str, Any]:
    """A platform file's mapping."""
    return read_document(path, source, "Platform")


def detect_platform(environment: str, context: str, node_labels: Iterable[str] = ()) -> tuple[str, str]:
    """(platform, why): the environment's own name, else the context's, else the nodes' labels, else generic
    (decisions.md 10).
    """
    if environment in platform_names():
        return environment, "by the environment's name"
    known = {name: read_platform(platform_path(name), f"environments/{name}.yaml") for name in platform_names()}
    for name, data in known.items():
        if any(fnmatchcase(context, pattern) for pattern in _list(data, "contexts")):
            return name, f"by the context {context}"
    labels = set(node_labels)
    for name, data in known.items():
        if labels.intersection(_list(data, "node_labels")):
            return name, "by its nodes' labels"
    return GENERIC, "nothing tells its kind"


def _list(data: Mapping[str, Any], key: str) -> list[str]:
    return [str(item) for item in data.get(key) or []]
