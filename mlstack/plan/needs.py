"""What of an apply needs what: where something failed, that which does not need it goes on (product.md, section 7)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.compose.manifests import Key
from mlstack.plan.model import Change
from mlstack.plan.stages import called_services

NAMESPACE = ("", "Namespace")


def held_back(coming: Iterable[Change], lost: Collection[Change], everything: Iterable[Change]) -> list[Change]:
    """Those of the next stage that need one of the `lost`: what failed, or was held back, in the stages before.

    An object needs its namespace, its own component, and the components that bring and guard its kind: by its CRD,
    its APIService, the webhooks that the API server asks about it, and the Services behind these.
    """
    if not lost:
        return []
    namespaces = {change.key.name for change in lost if (change.key.group, change.key.kind) == NAMESPACE}
    components = {change.component for change in lost if change.component}
    providers = _providers(everything)
    return [
        change
        for change in coming
        if change.key.namespace in namespaces
        or change.component in components
        or any(one.serves(change.key) and not components.isdisjoint(one.components) for one in providers)
    ]


def waiting_for(coming: Iterable[Change], unready: Collection[Change], everything: Iterable[Change]) -> list[Change]:
    """Those of the next stage whose kinds one of the `unready` operators brings or guards.

    What else stands in an operator's own component does not wait for it.
    """
    components = {change.component for change in unready if change.component}
    providers = [one for one in _providers(everything) if not components.isdisjoint(one.components)]
    return [change for change in coming if any(one.serves(change.key) for one in providers)] if unready else []


@dataclass(frozen=True)
class _Provider:
    """(group, resource) of kinds that cannot be written without these components; "*" is any."""

    kinds: tuple[tuple[str, str], ...]
    components: frozenset[str]

    def serves(self, key: Key) -> bool:
        names = {"*", *_plurals(key.kind)}
        return any(group in ("*", key.group) and resource.removesuffix("/*") in names for group, resource in self.kinds)


def _plurals(kind: str) -> tuple[str, ...]:
    """How the kind's resource may be called; what it is called in truth, only the cluster knows."""
    word = kind.lower()
    return f"{word}s", f"{word}es", f"{word[:-1]}ies"


def _providers(changes: Iterable[Change]) -> list[_Provider]:
    known = [change for change in changes if change.manifest is not None]
    services = (change for change in known if (change.key.group, change.key.kind) == ("", "Service"))
    at_home = {(change.key.namespace, change.key.name): change.component for change in services}
    found = []
    for change in known:
        if kinds := _kinds(change):
            assert change.manifest is not None  # seen above
            behind = {at_home.get(place, "") for place in called_services([change.manifest])}
            found.append(_Provider(tuple(kinds), frozenset({change.component} | behind) - {""}))
    return found


def _kinds(change: Change) -> Sequence[tuple[str, str]]:
    spec: dict[str, Any] = (change.manifest or {}).get("spec") or {}
    if change.key.kind == "CustomResourceDefinition":
        return [(spec["group"], _plurals(spec["names"]["kind"])[0])]
    if change.key.kind == "APIService":
        return [(spec.get("group", ""), "*")]
    if change.key.kind.endswith("WebhookConfiguration"):
        return _asked_about((change.manifest or {}).get("webhooks") or [])
    return []


def _asked_about(webhooks: Iterable[dict[str, Any]]) -> list[tuple[str, str]]:
    return [
        (group, resource)
        for hook in webhooks
        if hook.get("failurePolicy") != "Ignore"
        for rule in hook.get("rules") or []
        for group in rule.get("apiGroups") or []
        for resource in rule.get("resources") or []
    ]
