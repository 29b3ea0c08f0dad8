"""Remove what was applied: in reverse order, waited for, data and CRDs left unless named."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from mlstack.actions.events import Notice, OnEvent, Removed, ignore
from mlstack.actions.going import await_gone, held
from mlstack.actions.leftovers import left_behind
from mlstack.actions.lock import Lock, locked
from mlstack.actions.losses import losses
from mlstack.actions.neighbors import refuse_relied_on
from mlstack.actions.outcome import confirmed, lock_seconds
from mlstack.actions.reading import first_parent, inventory_of, list_members, read_parent, unseen_kinds
from mlstack.actions.receipts import remove_receipts
from mlstack.actions.remember import still_unseen, store_inventory
from mlstack.actions.replan import MovedError
from mlstack.actions.runrecords import remove_records
from mlstack.actions.sending import remove
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.cluster import objects, store
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError, NotReadyError, did_you_mean
from mlstack.plan.inventory import Inventory, component_of, entry
from mlstack.plan.kinds import INCLUDE_SHARED, check_includes
from mlstack.plan.losing import data_word
from mlstack.plan.notices import unseen_notices
from mlstack.plan.stages import SERVICES, stages

NAMESPACE = well_known("v1", "Namespace")
WEBHOOKS_FIRST = 99  # a webhook whose operator is gone would refuse the deletion of what it watches


@dataclass(frozen=True)
class Deletion:
    """What was removed (or would be, in a dry run), and what was kept though it is ours. `left`: data that stays,
    also such as mlstack did not apply, in sentences with the command that removes it."""

    removed: tuple[Key, ...] = ()
    kept: tuple[Key, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True)
class Removal:
    """What a delete is about to do. `loses`: the data that is deleted, a sentence each; `left` as in Deletion;
    `protected`: the environment's changes must be confirmed."""

    keys: tuple[Key, ...]
    loses: tuple[str, ...]
    left: tuple[str, ...]
    protected: bool


ConfirmRemoval = Callable[[Removal], bool | None]  # as apply's Confirm


def delete(
    scope: Scope,
    *,
    include: Collection[str] = frozenset(),
    timeout_s: float = 600.0,
    wait: bool = True,
    dry_run: bool = False,
    lock_timeout_s: float | None = None,
    yes: bool = False,
    on_event: OnEvent = ignore,
    confirm: ConfirmRemoval = lambda removal: None,
) -> Deletion:
    """Deletes what this app has in an environment, or some components of it. The app's files need not be right.

    `include`: kinds that hold data (`pvc`, `crd`, …) to delete too, or `shared`: what other environments rely on.
    `confirm` is as apply's; `yes`: the caller agreed to a protected environment beforehand. Raises UnconfirmedError,
    MlstackError for what others rely on, NotReadyError for what does not go in time, LockedError, LockLostError and
    MovedError as apply does.
    """
    check_includes(include)
    session = connect_only(scope)
    on_event(session.connected())
    found = _find(session, include)
    for text in unseen_notices(unseen_kinds(session, found.inventory)):
        on_event(Notice(text))
    namespace = _own_namespace(session, include, found)
    left = left_behind(session, found.going.values(), found.kept, found.members) if not namespace else ()
    agreed = _agreed(session, found, namespace, left, yes or dry_run, confirm)
    if not dry_run and (found.going or found.inventory.exists):
        with locked(session, lock_seconds(lock_timeout_s, timeout_s), on_event) as lock:
            found = _find_again(session, found, include, agreed)
            _remove_all(session, found.going, time.monotonic() + timeout_s if wait else None, on_event, lock)
            _forget(session, found.parent, found.inventory, found.members.keys() - found.going.keys())
    if not dry_run and "namespace" in include and not scope.components and not found.kept:
        _remove_namespace(session, namespace, on_event)
    return Deletion(tuple(found.going), found.kept, left)


def _agreed(
    session: Session,
    found: _Found,
    namespace: Manifest | None,
    left: tuple[str, ...],
    yes: bool,
    confirm: ConfirmRemoval,
) -> bool:
    """Whether a person agreed to what is removed. Raises MlstackError for who refused, or had to and did not."""
    if not (found.going or namespace):
        return False
    told = losses(session, {**found.going, **({key_of(namespace): namespace} if namespace else {})})
    loses = tuple(f"{key}: deleting it loses {words}." for key, words in sorted(told.items()))
    protected = session.connection.environment.protected
    keys = tuple(sorted([*found.going, *([key_of(namespace)] if namespace else [])]))
    agreed = None if yes else confirm(Removal(keys, loses, left, protected))
    return confirmed(agreed, f"{session.scope.environment} is protected" if protected and not yes else "")


@dataclass(frozen=True)
class _Found:
    """What there is of ours, and what of it goes."""

    parent: store.Parent
    inventory: Inventory
    members: dict[Key, Manifest]
    going: dict[Key, Manifest]
    kept: tuple[Key, ...]


def _find(session: Session, include: Collection[str]) -> _Found:
    scope, parent = session.scope, first_parent(session)
    inventory = inventory_of(parent, session.owner)
    members = list_members(session, inventory, {})
    _refuse_unknown(scope, members.values())
    chosen = {key: live for key, live in members.items() if _chosen(live, scope.components)}
    going = {key: live for key, live in chosen.items() if not _kept(key, live, include)}
    if INCLUDE_SHARED not in include:
        refuse_relied_on(session, {**_namespace_key(session, include), **going}, members)
    return _Found(parent, inventory, members, going, tuple(sorted(set(chosen) - set(going))))


def _namespace_key(session: Session, include: Collection[str]) -> dict[Key, Manifest]:
    """The environment's namespace, where it may go: with it goes what other environments have in it."""
    if "namespace" not in include or session.scope.components:
        return {}
    return {Key("", "Namespace", "", session.owner.namespace): {"metadata": {}}}


def _find_again(session: Session, found: _Found, include: Collection[str], agreed: bool) -> _Found:
    """The same under the lease, if another apply ended meanwhile; what a person did not agree to is not removed."""
    if read_parent(session).version == found.parent.version:
        return found
    session.connection.discovery.refresh()
    now = _find(session, include)
    more = ", ".join(str(key) for key in sorted(set(now.going) - set(found.going)))
    if agreed and more:
        name = session.scope.environment
        raise MovedError(
            f"Nothing was removed: after you had agreed, another apply added {more}.",
            f"Look again: mlstack status {name}",
        )
    return now


def _refuse_unknown(scope: Scope, members: Iterable[Manifest]) -> None:
    """A component may be gone from the app or never have been applied; known to neither it is a slip."""
    known = {component_of(live) for live in members} | set(scope.project.component_names)
    for name in scope.components:
        if name not in known:
            place = f"Neither this app nor environment {scope.environment}"
            raise MlstackError(f"{place} has a component {name}.", did_you_mean(name, known))


def _chosen(live: Manifest, components: Collection[str]) -> bool:
    return not components or component_of(live) in components


def _kept(key: Key, live: Manifest, include: Collection[str]) -> bool:
    word = data_word(key, live)
    return bool(word) and word not in include


def _remove_all(
    session: Session, going: dict[Key, Manifest], until: float | None, on_event: OnEvent, lock: Lock
) -> None:
    """Stage by stage, the last first: custom resources go while their operator can still clean up after them."""
    for keys in in_reverse(going):
        lock.check()
        results = session.connection.client.map(lambda key: _remove_one(session, key, going[key]), keys)
        failed = [str(result) for result in results if isinstance(result, MlstackError)]
        if failed:
            raise MlstackError("Could not be deleted: " + "; ".join(failed))
        if until is not None:
            _await_gone(session, keys, going, until, on_event)
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


def _await_gone(
    session: Session, keys: Sequence[Key], going: dict[Key, Manifest], until: float, on_event: OnEvent
) -> None:
    left = await_gone(session, keys, going, until, on_event)
    if left:
        hint = "The controller that would remove its finalizer does not run, most likely."
        raise NotReadyError(f"Still being deleted when the time was over: {held(left)}.", hint)


def _forget(session: Session, parent: store.Parent, inventory: Inventory, left: Collection[Key]) -> None:
    """Takes what is gone out of the inventory; removes that, last of all, when nothing is left."""
    if not inventory.exists:
        return
    components = session.scope.components
    runs = {name: run for name, run in inventory.runs.items() if components and run.component not in components}
    unseen = unseen_kinds(session, inventory)
    if not left and not runs and not unseen:
        with suppress(ClusterError):  # users who cannot list them could store none either
            remove_receipts(session, inventory.secret_receipts)
            remove_records(session)
        store.remove(session.connection.client, parent)
        return
    for component in sorted({run.component for name, run in inventory.runs.items() if name not in runs}):
        with suppress(ClusterError):
            remove_records(session, component)
    names = {entry(key) for key in left}
    rest = replace(
        inventory,
        kinds=frozenset((key.group, key.kind) for key in left),
        namespaces=frozenset(key.namespace for key in left if key.namespace),
        digests={name: value for name, value in inventory.digests.items() if name in names},
        members={name: uid for name, uid in inventory.members.items() if name in names},
        answered={name: state for name, state in inventory.answered.items() if name in names},
        runs=runs,
        past={name: found for name, found in inventory.past.items() if name in runs},
        former=inventory.former if components else 0,
    )
    store_inventory(session, parent, still_unseen(rest, inventory, unseen))


def _own_namespace(session: Session, include: Collection[str], found: _Found) -> Manifest | None:
    """The environment's namespace, if it is to be deleted and an apply made it for this app."""
    if "namespace" not in include or session.scope.components or found.kept:
        return None
    name = session.owner.namespace
    live = objects.find(session.connection.client, NAMESPACE, None, name, metadata_only=True)
    labels = (live or {"metadata": {}})["metadata"].get("labels") or {}
    ours = labels.get("app.kubernetes.io/managed-by") == "mlstack"
    if live is None or not ours or labels.get("app.kubernetes.io/part-of") != session.owner.app:
        return None
    return {**live, "apiVersion": "v1", "kind": "Namespace"}


def _remove_namespace(session: Session, live: Manifest | None, on_event: OnEvent) -> None:
    if live is None:
        on_event(Notice(f"Namespace {session.owner.namespace} stays: mlstack did not make it for this app."))
        return
    remove(session.connection.client, NAMESPACE, key_of(live), live)
    on_event(Removed(key_of(live)))
