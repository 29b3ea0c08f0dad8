"""Removing what no longer renders: never another object of the same name, and telling what a finalizer holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlstack.actions.events import Failed, Notice, OnEvent, Removed, ignore
from mlstack.actions.going import await_gone, has_finalizers, held
from mlstack.actions.sending import Sent, remove
from mlstack.actions.session import Session
from mlstack.compose.manifests import Key, key_of
from mlstack.errors import MlstackError
from mlstack.plan.model import Change


@dataclass(frozen=True)
class Pruned:
    """What was removed, and what could not be. `leaving`: those of the removed that a finalizer still holds."""

    removed: tuple[Key, ...]
    failed: tuple[Sent, ...]
    leaving: frozenset[Key] = frozenset()


def prune(session: Session, changes: Sequence[Change], until: float, on_event: OnEvent) -> Pruned:
    """Removes the objects, all at once, and waits `until` then (time.monotonic's clock) for those with finalizers."""
    client = session.connection.client

    def one(change: Change) -> bool:
        resource = session.resource_of(change.key.group, change.key.kind)
        return resource is not None and remove(client, resource, change.key, change.live or {"metadata": {}})

    results = client.map(one, changes)
    failed = [Sent(c, error=r) for c, r in zip(changes, results, strict=True) if isinstance(r, MlstackError)]
    refused = {sent.change.key for sent in failed}
    going = _held_ones(session, [change for change in changes if change.key not in refused], until, on_event)
    for sent in failed:
        on_event(Failed(sent.change.key, str(sent.error), sent.change.component))
    removed = tuple(change.key for change in changes if change.key not in refused)
    for key in removed:
        if key not in going:
            on_event(Removed(key))
    return Pruned(removed, tuple(failed), frozenset(going))


def _held_ones(session: Session, changes: Sequence[Change], until: float, on_event: OnEvent) -> set[Key]:
    """Which pruned objects a finalizer still holds: waited for a little, told, and no reason to fail."""
    going = {change.key: change.live for change in changes if change.live and has_finalizers(change.live)}
    if not going:
        return set()
    left = await_gone(session, list(going), going, until, ignore)
    if left:
        on_event(Notice(f"Pruned, and still being deleted: {held(left)}."))
    return {key_of(live) for live in left}
