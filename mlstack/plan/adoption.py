"""Taking over objects that kubectl (client side) or Helm applied, without losing a field.

What we render becomes ours alone, so that it goes when we stop rendering it; what we do not render keeps its value and
belongs to nobody, so that it can be rendered later without a conflict. Source: k8s.io/client-go/util/csaupgrade (the
former Update entry becomes an Apply entry, under the object's resourceVersion, and the last-applied annotation goes);
unlike there, what is not rendered is kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan import fields as paths
from mlstack.plan.fieldpaths import locations

KUBECTL, HELM = "kubectl-client-side-apply", "helm"
FORMER = frozenset({(KUBECTL, "Update"), (HELM, "Update"), (HELM, "Apply")})
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
RELEASE, RELEASE_NAMESPACE = "meta.helm.sh/release-name", "meta.helm.sh/release-namespace"
FEW = 6  # kept fields that are named

Operation = Mapping[str, Any]


@dataclass(frozen=True)
class Handover:
    """What an adoption does before it applies: JSON 6902 operations, and all of it in words."""

    operations: tuple[Operation, ...] = ()
    words: str = ""


NO_HANDOVER = Handover()


def former_owner(live: Manifest) -> str:
    """Who applied an object before, in words: "kubectl (client-side apply)", "Helm release web"; "" if neither."""
    annotations = live["metadata"].get("annotations") or {}
    if RELEASE in annotations:
        return f"Helm release {annotations.get(RELEASE_NAMESPACE, '')}/{annotations[RELEASE]}"
    if LAST_APPLIED in annotations or KUBECTL in paths.managers(live):
        return "kubectl (client-side apply)"
    return ""


def hand_over(live: Manifest, applied: Manifest, manager: str) -> Handover:
    """How `live` becomes ours. `applied`: what a forced dry-run of our apply answered."""
    ours = paths.owned_fields(applied, manager) or {}
    entries = paths.managed(live)
    former = [entry for entry in entries if (entry.get("manager"), entry.get("operation")) in FORMER]
    former = [entry for entry in former if not entry.get("subresource")]
    return Handover(tuple(_operations(live, former, ours, manager)), _words(live, applied, ours, manager))


def _operations(
    live: Manifest, former: list[Mapping[str, Any]], ours: paths.Owned, manager: str
) -> Iterator[Operation]:
    marks = [name for name in (LAST_APPLIED, RELEASE, RELEASE_NAMESPACE) if name in _annotations(live)]
    if not former and not marks:
        return
    yield {"op": "replace", "path": "/metadata/resourceVersion", "value": live["metadata"]["resourceVersion"]}
    if former:
        yield {"op": "replace", "path": "/metadata/managedFields", "value": _entries(live, former, ours, manager)}
    for name in marks:
        yield {"op": "remove", "path": f"/metadata/annotations/{name.replace('/', '~1')}"}


def _entries(
    live: Manifest, former: list[Mapping[str, Any]], ours: paths.Owned, manager: str
) -> list[Mapping[str, Any]]:
    """The managedFields with the former managers' entries replaced by one of ours, of what we render."""
    others = [entry for entry in paths.managed(live) if entry not in former]
    moved: paths.Owned = {}
    for entry in former:
        moved = union(moved, common(ours, entry.get("fieldsV1") or {}))
    mine = [{**former[0], "manager": manager, "operation": "Apply", "fieldsV1": moved}] if moved else []
    return [*others, *mine]


def _annotations(live: Manifest) -> Mapping[str, str]:
    return live["metadata"].get("annotations") or {}


def _words(live: Manifest, applied: Manifest, ours: paths.Owned, manager: str) -> str:
    said = [f"adopted from {former_owner(live) or ', '.join(sorted(paths.managers(live) - {''})) or 'somebody else'}"]
    marks = [name for name in (LAST_APPLIED, RELEASE, RELEASE_NAMESPACE) if name in _annotations(live)]
    if marks:
        said.append(f"dropped: annotation {', '.join(marks)}")
    if kept := sorted(_kept(live, applied, ours, manager)):
        more = f" and {len(kept) - FEW} more" if len(kept) > FEW else ""
        said.append(f"kept as they are: {', '.join(kept[:FEW])}{more}")
    if RELEASE in _annotations(live):
        release = _annotations(live)[RELEASE]
        said.append(f"`helm uninstall {release}` would still delete it: take it out of that release")
    return "; ".join(said)


def _kept(live: Manifest, applied: Manifest, ours: paths.Owned, manager: str) -> set[str]:
    """The fields that we do not render: they stay. Of kubectl's only what its manifest had, the rest are defaults."""
    said = _last_applied(live)
    dropped = {f"metadata.annotations[{name}]" for name in (LAST_APPLIED, RELEASE, RELEASE_NAMESPACE)}
    found = {
        path
        for entry in paths.managed(applied)
        if entry.get("manager") != manager and not entry.get("subresource")
        for path in leaf_paths(minus(entry.get("fieldsV1") or {}, ours))
        if entry.get("manager") != KUBECTL or not said or locations(said, path)
    }
    return {path for path in found if path not in dropped and not path.startswith("status.")}


def _last_applied(live: Manifest) -> Manifest:
    """The manifest that kubectl remembers; {} where there is none that could be read."""
    try:
        found = json.loads(_annotations(live).get(LAST_APPLIED) or "{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def leaf_paths(owned: paths.Owned, path: str = "") -> Iterator[str]:
    """The paths of what a fieldsV1 tree owns; an item of a list in one, if it is owned itself."""
    for name, below in owned.items():
        if name == ".":
            continue
        where = _join(path, name)
        if not below or (name.startswith("k:") and "." in below):
            yield where
        else:
            yield from leaf_paths(below, where)


def _join(path: str, name: str) -> str:
    kind, rest = name[:2], name[2:]
    if kind == "f:":
        return paths.join(path, rest)
    found = json.loads(rest)
    return paths.item(path, paths.key_label(found) if isinstance(found, Mapping) else found)


def minus(owned: paths.Owned, taken: paths.Owned) -> dict[str, Any]:
    """What of a fieldsV1 tree another one does not hold."""
    left: dict[str, Any] = {}
    for name, below in owned.items():
        if name not in taken:
            left[name] = below
        elif below and (rest := minus(below, taken[name])):
            left[name] = rest
    return left


def common(one: paths.Owned, other: paths.Owned) -> dict[str, Any]:
    """What two fieldsV1 trees both hold."""
    both: dict[str, Any] = {}
    for name in (name for name in one if name in other):
        below = common(one[name], other[name])
        if below or (not one[name] and not other[name]):
            both[name] = below
    return both


def union(one: paths.Owned, other: paths.Owned) -> dict[str, Any]:
    """What either of two fieldsV1 trees holds."""
    found: dict[str, Any] = {name: union(below, other.get(name, {})) for name, below in one.items()}
    return found | {name: below for name, below in other.items() if name not in one}
