"""Rules of the API server that Kubernetes' schemas do not have: lists keyed by name, and the formats of labels.

An apply sends lists with keys (server-side apply refuses two items with one key), whatever else would take them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.compose.formats import FORMATS
from mlstack.compose.manifests import Manifest, group_of, pod_templates
from mlstack.compose.schemawords import DESCRIBED, shown

Found = Iterator[tuple[str, str]]

# Lists of a pod's spec and of its containers, with what makes two of their items the same.
_POD_LISTS: Mapping[str, tuple[str, ...]] = {
    "volumes": ("name",),
    "imagePullSecrets": ("name",),
    "hostAliases": ("ip",),
}
_CONTAINER_LISTS: Mapping[str, tuple[str, ...]] = {
    "env": ("name",),
    "ports": ("containerPort", "protocol"),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
}
_CONTAINERS = ("initContainers", "containers")
_DEFAULTS = {"protocol": "TCP"}


def broken_rules(manifest: Manifest) -> Found:
    """(path, what is wrong) of each place where a manifest breaks a rule."""
    yield from _metadata(manifest, "metadata")
    spec = _mapping(manifest.get("spec"))
    if manifest["kind"] == "Service" and not group_of(manifest):
        yield from _twice(spec, "ports", ("port", "protocol"), "spec")
    if manifest["kind"] == "Pod" and not group_of(manifest):
        yield from _pod(spec, "spec")
    for path, template in pod_templates(manifest):
        where = ".".join(path)
        yield from _metadata(template, f"{where}.metadata")
        yield from _pod(_mapping(template.get("spec")), f"{where}.spec")
    yield from _labels(_mapping(_mapping(spec.get("selector")).get("matchLabels")), "spec.selector.matchLabels")


def _metadata(holder: Mapping[str, Any], where: str) -> Found:
    metadata = _mapping(holder.get("metadata"))
    yield from _labels(_mapping(metadata.get("labels")), f"{where}.labels")
    for key in _mapping(metadata.get("annotations")):
        yield from _checked("annotation-key", key, f"{where}.annotations")


def _labels(labels: Mapping[str, Any], where: str) -> Found:
    for key, value in labels.items():
        yield from _checked("label-key", key, where)
        yield from _checked("label-value", value, f"{where}.{key}")


def _checked(format_: str, text: Any, where: str) -> Found:
    if isinstance(text, str) and not FORMATS[format_](text):
        yield where, f"must be {DESCRIBED[format_]}, got {shown(text)}"


def _pod(spec: Mapping[str, Any], where: str) -> Found:
    yield from _labels(_mapping(spec.get("nodeSelector")), f"{where}.nodeSelector")
    for name, keys in _POD_LISTS.items():
        yield from _twice(spec, name, keys, where)
    containers = [one for name in _CONTAINERS for one in _items(spec, name)]
    yield from _twice({"containers": containers}, "containers", ("name",), where)
    for list_ in _CONTAINERS:
        for at, container in enumerate(_items(spec, list_)):
            for name, keys in _CONTAINER_LISTS.items():
                yield from _twice(container, name, keys, f"{where}.{list_}.{at}")


def _twice(holder: Mapping[str, Any], name: str, keys: tuple[str, ...], where: str) -> Found:
    """Each key that two items of a list have."""
    found = Counter(tuple(str(item.get(key, _DEFAULTS.get(key, ""))) for key in keys) for item in _items(holder, name))
    for key, count in found.items():
        if count > 1:
            yield f"{where}.{name}", f"{count} items have the {' and '.join(keys)} {'/'.join(key)}; keep one"


def _items(holder: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = holder.get(name)
    return [item for item in found if isinstance(item, Mapping)] if isinstance(found, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
