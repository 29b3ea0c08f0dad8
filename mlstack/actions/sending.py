"""Carrying out changes: many objects at once, each failure kept beside the others' success."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mlstack.actions.blame import blamed
from mlstack.actions.events import Failed
from mlstack.actions.reading import resource_for
from mlstack.actions.session import Session
from mlstack.actions.suspending import set_active, switch
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ConflictError, NotFoundError, WebhookError
from mlstack.cluster.kinds import Resource
from mlstack.cluster.objects import Manifest
from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError, NotReadyError
from mlstack.plan.adoption import Operation, hand_over
from mlstack.plan.model import SWITCHES, Action, Allow, Change
from mlstack.plan.runs import asks_suspended, in_queue, is_run

WEBHOOK_SECONDS = 60.0  # how long a webhook may go on not answering: its Service is ready before its process listens
PAUSE_SECONDS = 0.5
HANDOVERS = 5  # attempts at an object whose status changes meanwhile
BINDINGS = ("RoleBinding", "ClusterRoleBinding")
REPLACING = frozenset({Action.NEW_RUN, Action.RECREATE})


@dataclass(frozen=True)
class Sent:
    """How one change went: the object as it is now, or the error; `told` is the error with the parameter behind it."""

    change: Change
    live: Manifest | None = None
    error: MlstackError | None = None
    told: str = ""

    @property
    def failure(self) -> Failed:
        """The event that tells of the error."""
        return Failed(self.change.key, self.told or str(self.error), self.change.component)


def send(
    session: Session,
    changes: Sequence[Change],
    allow: Allow,
    *,
    dry_run: bool = False,
    until: float = float("inf"),
) -> list[Sent]:
    """Applies what the changes say, all at once; no failure hides another. `until` (time.monotonic's clock) bounds
    the waits for what is deleted and for webhooks."""

    def write(change: Change) -> Manifest:
        return _send_one(session, change, allow, dry_run, until)

    results = session.connection.client.map(write, changes)
    # Where somebody may not bind roles at will, the server looks a binding's role up, which may come a moment later.
    early = [
        index
        for index, (change, result) in enumerate(zip(changes, results, strict=True))
        if change.key.kind in BINDINGS and isinstance(result, NotFoundError)
    ]
    for index, result in zip(early, session.connection.client.map(write, [changes[i] for i in early]), strict=True):
        results[index] = result
    return [
        _refused(session, change, result) if isinstance(result, MlstackError) else Sent(change, live=result)
        for change, result in zip(changes, results, strict=True)
    ]


def _refused(session: Session, change: Change, error: MlstackError) -> Sent:
    return Sent(change, error=error, told=blamed(session, change.component, change.manifest or {}, error))


def _send_one(session: Session, change: Change, allow: Allow, dry_run: bool, until: float) -> Manifest:
    manifest = change.manifest
    assert manifest is not None  # prunes are removed, not sent
    client = session.connection.client
    resource = resource_for(session, manifest) or session.connection.discovery.resource(
        manifest["apiVersion"], manifest["kind"]
    )
    if change.action in SWITCHES and change.live is not None:
        return switch(session, resource, change.live, suspend=change.action is Action.SUSPEND, until=until)
    if change.action in REPLACING and change.live is not None and not dry_run:
        remove_and_wait(client, resource, change.live, until)
    force = allow.force_conflicts or change.action is Action.ADOPT or bool(change.takes)
    manager = session.owner.manager
    if change.handover and not dry_run:
        _hand_over(session, resource, change)
    sent = patiently(
        lambda: objects.apply(client, resource, manifest, manager=manager, force=force, dry_run=dry_run), until
    )
    if is_run(change.key) and not dry_run and asks_suspended(manifest) and in_queue(manifest):
        set_active(session, sent, active=False, until=until)
    return sent


def _hand_over(session: Session, resource: Resource, change: Change) -> None:
    """Before the apply: killed in between, the object is known by its manager, and the next apply goes on.

    Controllers write statuses all the time: if the object moved since it was read, it is read again, and all is new.
    """
    namespace, name = change.key.namespace or None, change.key.name
    client, manager, operations = session.connection.client, session.owner.manager, change.handover
    for attempt in range(HANDOVERS):
        try:
            objects.patch(client, resource, namespace, name, operations, manager=manager, kind="json")
        except ConflictError:
            if attempt == HANDOVERS - 1:
                raise
            operations = _handed_over_anew(client, resource, change, manager)
        else:
            return


def _handed_over_anew(client: Client, resource: Resource, change: Change, manager: str) -> tuple[Operation, ...]:
    assert change.manifest is not None  # an adoption sends something
    live = objects.get(client, resource, change.key.namespace or None, change.key.name)
    applied = objects.apply(client, resource, change.manifest, manager=manager, force=True, dry_run=True)
    return hand_over(live, applied, manager).operations


def patiently(function: Callable[[], Manifest], until: float = float("inf")) -> Manifest:
    """`function`, tried again for a minute, and not beyond `until`, while a webhook does not answer yet."""
    until = min(until, time.monotonic() + WEBHOOK_SECONDS)
    while True:
        try:
            return function()
        except WebhookError as error:
            if not error.retryable or time.monotonic() > until:
                raise
            time.sleep(PAUSE_SECONDS)


def remove(client: Client, resource: Resource, key: Key, live: Manifest, *, dry_run: bool = False) -> bool:
    """Deletes an object if it is still the one that was read; False if it was not."""
    uid = live["metadata"].get("uid", "")
    try:
        return objects.delete(client, resource, key.namespace or None, key.name, uid=uid, dry_run=dry_run)
    except ConflictError:
        return False  # another object has its name by now, and that one is not ours to delete


def remove_and_wait(client: Client, resource: Resource, live: Manifest, until: float) -> None:
    """Deletes an object with what it owns, unless somebody has, and waits until it is gone.

    Raises NotReadyError if it does not go `until` then (time.monotonic's clock).
    """
    metadata = live["metadata"]
    namespace, name, uid = metadata.get("namespace"), metadata["name"], metadata.get("uid", "")
    if not metadata.get("deletionTimestamp"):
        objects.delete(client, resource, namespace, name, uid=uid, propagation="Foreground")
    while (found := objects.find(client, resource, namespace, name, metadata_only=True)) is not None:
        if found["metadata"].get("uid") != uid:
            return
        if time.monotonic() > until:
            names = ", ".join(found["metadata"].get("finalizers") or []) or "nobody says why"
            hint = f"It waits for finalizers: {names}. Longer than that: --timeout."
            raise NotReadyError(f"{resource.kind}/{name} is still being deleted when the time is over.", hint)
        time.sleep(PAUSE_SECONDS / 2)
