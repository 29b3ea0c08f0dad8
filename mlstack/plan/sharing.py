"""Find what other apps and environments of a cluster rely on: an operator, its CRDs, a namespace (case E8).

Each inventory says in its annotations which kinds and namespaces it has objects of, and which shared objects of others
it found in their place. Reading the metadata of all inventories is therefore enough.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from mlstack.compose.manifests import Key, Manifest
from mlstack.plan.inventory import (
    GROUP_KINDS,
    NAMESPACES,
    USES,
    GroupKind,
    Owner,
    applied_by,
    component_of,
    entry,
    parse_kind,
)
from mlstack.plan.kinds import INCLUDE_SHARED
from mlstack.plan.model import Action, Change
from mlstack.plan.wanted import SHARED, SHARED_WITH

DEFINITION = ("apiextensions.k8s.io", "CustomResourceDefinition")
NAMESPACE = ("", "Namespace")


@dataclass(frozen=True)
class Neighbor:
    """Another environment in the cluster, of this app or of another, as its inventory's metadata describes it."""

    name: str
    kinds: frozenset[GroupKind] = frozenset()
    namespaces: frozenset[str] = frozenset()
    uses: frozenset[str] = frozenset()


def neighbors(parents: Iterable[Manifest], owner: Owner) -> list[Neighbor]:
    """The other environments, by the metadata of all inventories of the cluster."""
    return [_neighbor(parent) for parent in parents if parent["metadata"]["name"] != owner.name]


def _neighbor(parent: Manifest) -> Neighbor:
    metadata = parent["metadata"]
    annotations = metadata.get("annotations") or {}
    app, environment = applied_by(parent)
    place = f"inventory {metadata['name']} in namespace {metadata['namespace']}"
    return Neighbor(
        f"mlstack app {app}, environment {environment}" if app else f"another mlstack environment ({place})",
        frozenset(parse_kind(text) for text in _listed(annotations, GROUP_KINDS)),
        frozenset({*_listed(annotations, NAMESPACES), metadata["namespace"]}),
        frozenset(_listed(annotations, USES)),
    )


def _listed(annotations: Mapping[str, str], name: str) -> list[str]:
    return [text for text in annotations.get(name, "").split(",") if text]


def may_be_relied_on(key: Key, live: Manifest) -> bool:
    """Whether an object is of a sort that others use: then, and only then, their inventories are read."""
    annotations = live["metadata"].get("annotations") or {}
    return (key.group, key.kind) in (DEFINITION, NAMESPACE) or SHARED in annotations or SHARED_WITH in annotations


def relied_on(
    going: Mapping[Key, Manifest], members: Mapping[Key, Manifest], others: Collection[Neighbor]
) -> dict[Key, str]:
    """Which objects that are about to be removed others rely on, and who. `members`: all that is ours, kept or not."""
    asked = {key: live for key, live in going.items() if may_be_relied_on(key, live)}
    found = {key: _who(key, live, members, others) for key, live in asked.items()}
    targets = {str(key): who for key, who in found.items() if who}
    for key, live in asked.items():
        found[key] = found[key] or targets.get(_annotation(live, SHARED_WITH), "")
    return {key: who for key, who in found.items() if who}


def kept_for(removals: Iterable[Change], users: Mapping[Key, str]) -> list[Change]:
    """The prunes, each one that others rely on kept, and who relies on it said."""
    return [_kept(change, users[change.key]) if change.key in users else change for change in removals]


def _kept(change: Change, user: str) -> Change:
    reason = f"kept: {user} relies on it; --include {INCLUDE_SHARED} removes it"
    return replace(change, action=Action.KEEP, reason=reason)


def _who(key: Key, live: Manifest, members: Mapping[Key, Manifest], others: Collection[Neighbor]) -> str:
    kinds = _served(key, live, members)
    names = {
        other.name
        for other in others
        if entry(key) in other.uses
        or other.kinds & kinds
        or ((key.group, key.kind) == NAMESPACE and key.name in other.namespaces)
    }
    return " and ".join(sorted(names))


def _served(key: Key, live: Manifest, members: Mapping[Key, Manifest]) -> set[GroupKind]:
    """The custom kinds that go with an object: a CRD's own, and of a shared operator all that its component defines."""
    if (key.group, key.kind) == DEFINITION:
        return {_defined(live)}
    if _annotation(live, SHARED) != "true":
        return set()
    mine = [one for one in members.items() if component_of(one[1]) == component_of(live)]
    return {_defined(one) for other, one in mine if (other.group, other.kind) == DEFINITION}


def _defined(crd: Manifest) -> GroupKind:
    return crd["spec"]["group"], crd["spec"]["names"]["kind"]


def _annotation(live: Manifest, name: str) -> str:
    return str((live["metadata"].get("annotations") or {}).get(name, ""))
