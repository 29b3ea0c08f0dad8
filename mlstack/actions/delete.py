"""Remove what was applied: in reverse order, waited for, data and CRDs left unless named."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace

from mlstack.actions.events import Notice, OnEvent, Removed, ignore
from mlstack.actions.reading import all_or_raise, inventory_of, list_members, read_parent
from mlstack.actions.remember import store_inventory
from mlstack.actions.sending import remove
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.cluster import objects, store
from mlstack.cluster.failures import NotFoundError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError, NotReadyError
from mlstack.plan.decide import component_of, controlled, kept_word
from mlstack.plan.inventory import PART_OF, Inventory, entry
from mlstack.plan.stages import SERVICES, stages

PAUSE_SECONDS = 0.3
WEBHOOKS_FIRST = 99  # a webhook whose operator is gone would refuse the deletion of what it watches


@dataclass(frozen=True)
class Deletion:
    """What was removed (or would be, in a dry run), and what was kept though it is ours."""

    removed: tuple[Key, ...] = ()
    kept: tuple[Key, ...] = ()


def delete(
    scope: Scope,
    *,
    include: Collection[str] = frozenset(),
    timeout_s: float = 600.0,
    wait: bool = True,
    dry_run: bool = False,
    on_event: OnEvent = ignore,
    confirm: Callable[[Sequence[Key]], bool] = lambda keys: True,
) -> Deletion:
    """Deletes what this app has in an environment, or some components of it. The app's files need not be right.

    `include`: kinds (`pvc`, `crd`, `namespace`) to delete too. Raises NotReadyError for what does not go in time.
    """
    session = connect_only(scope)
    on_event(session.connected())
    parent = read_parent(session)
    inventory = inventory_of(parent, session.owner)
    members = list_members(session, inventory, {})
    chosen = {key: live for key, live in members.items() if _chosen(live, scope.components)}
    going = {key: live for key, live in chosen.items() if not _kept(key, include)}
    kept = tuple(sorted(set(chosen) - set(going)))
    if dry_run:
        return Deletion(tuple(going), kept)
    if going and not confirm(sorted(going)):
        raise MlstackError("Nothing was changed.")
    _remove_all(session, going, time.monotonic() + timeout_s if wait else None, on_event)
    _forget(session, parent, inventory, members.keys() - going.keys())
    if "namespace" in include and not scope.components and not kept:
        _remove_namespace(session, on_event)
    return Deletion(tuple(going), kept)


def _chosen(live: Manifest, components: Collection[str]) -> bool:
    return not controlled(live) and (not components or component_of(live) in components)


def _kept(key: Key, include: Collection[str]) -> bool:
    word = kept_word(key)
    return bool(word) and word not in include


def _remove_all(session: Session, going: dict[Key, Manifest], until: float | None, on_event: OnEvent) -> None:
    """Stage by stage, the last first: custom resources go while their operator can still clean up after them."""
    for keys in in_reverse(going):
        results = session.connection.client.map(lambda key: _remove_one(session, key, going[key]), keys)
        failed = [str(result) for result in results if isinstance(result, MlstackError)]
        if failed:
            raise MlstackError("Could not be deleted: " + "; ".join(failed))
        if until is not None:
            _await_gone(session, keys, going, until)
        for key in keys:
            on_event(Removed(key))


def _remove_one(session: Session, key: Key, live: Manifest) -> bool:
    resource = session.resource_of(key.group, key.kind)
    return resource is not None and remove(session.connection.client, resource, key, live)


def in_reverse(going: dict[Key, Manifest]) -> list[list[Key]]:
    """The keys in the order of their deletion, those of one step together."""
    by_component: dict[str, list[Manifest]] = {}
    for live in going.values():
        by_component.setdefault(component_of(live), []).append(live)
    ranks = {
        key: WEBHOOKS_FIRST if rank == SERVICES and key.kind.endswith("WebhookConfiguration") else rank
        for key, rank in stages(by_component).items()
    }
    return [sorted(key for key in going if ranks[key] == rank) for rank in sorted(set(ranks.values()), reverse=True)]


def _await_gone(session: Session, keys: Sequence[Key], going: dict[Key, Manifest], until: float) -> None:
    while left := _still_there(session, keys, going):
        if time.monotonic() > until:
            names = ", ".join(str(key) for key in left[:5])
            raise NotReadyError(
                f"Still being deleted when the time was over: {names}.",
                "A finalizer whose controller does not run holds them, most likely.",
            )
        time.sleep(PAUSE_SECONDS)


def _still_there(session: Session, keys: Sequence[Key], going: dict[Key, Manifest]) -> list[Key]:
    """Which of the objects are not gone, by one LIST per kind and namespace: a GET each takes longer than to delete."""
    places = sorted({(key.group, key.kind, key.namespace) for key in keys})
    found = all_or_raise(session.connection.client.map(lambda place: _uids(session, *place), places))
    uids = frozenset[str]().union(*found)
    return [key for key in keys if going[key]["metadata"].get("uid") in uids]


def _uids(session: Session, group: str, kind: str, namespace: str) -> frozenset[str]:
    """The UIDs of our objects of a kind in a namespace; none where the kind is not served any more."""
    resource = session.resource_of(group, kind)
    if resource is None:
        return frozenset()
    client, labels = session.connection.client, f"{PART_OF}={session.owner.set_id}"
    try:
        listed = objects.list_objects(client, resource, namespace or None, labels=labels, metadata_only=True)
    except NotFoundError:
        return frozenset()
    return frozenset(item["metadata"]["uid"] for item in listed.items)


def _forget(session: Session, parent: store.Parent, inventory: Inventory, left: Collection[Key]) -> None:
    """Takes what is gone out of the inventory; removes that, last of all, when nothing is left."""
    if not inventory.exists:
        return
    components = session.scope.components
    runs = {name: run for name, run in inventory.runs.items() if components and run.component not in components}
    if not left and not runs:
        store.remove(session.connection.client, parent)
        return
    names = {entry(key) for key in left}
    rest = replace(
        inventory,
        kinds=frozenset((key.group, key.kind) for key in left),
        namespaces=frozenset(key.namespace for key in left if key.namespace),
        digests={name: value for name, value in inventory.digests.items() if name in names},
        runs=runs,
    )
    store_inventory(session, parent, rest)


def _remove_namespace(session: Session, on_event: OnEvent) -> None:
    """The environment's namespace, if an apply made it for this app."""
    client, name = session.connection.client, session.owner.namespace
    resource = well_known("v1", "Namespace")
    found = objects.find(client, resource, None, name, metadata_only=True)
    labels = (found or {"metadata": {}})["metadata"].get("labels") or {}
    ours = labels.get("app.kubernetes.io/managed-by") == "mlstack"
    if found is None or not ours or labels.get("app.kubernetes.io/part-of") != session.owner.app:
        on_event(Notice(f"Namespace {name} stays: mlstack did not make it for this app."))
        return
    key = Key("", "Namespace", "", name)
    remove(client, resource, key, found)
    on_event(Removed(key))
