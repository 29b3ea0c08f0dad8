"""Waiting until deleted objects are gone, and saying what holds those that stay."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.listing import all_or_raise
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import NotFoundError
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.inventory import PART_OF, part_of

PAUSE_SECONDS = 0.3
QUIET_SECONDS = 5.0  # a controller that runs takes its finalizer away within that, mostly
FEW = 5  # objects that are named


def await_gone(
    session: Session, keys: Sequence[Key], going: Mapping[Key, Manifest], until: float, on_event: OnEvent
) -> list[Manifest]:
    """Waits until the objects are gone, at most `until` (time.monotonic's clock); those that are still there then.

    What takes long is told once, with the finalizers that hold it.
    """
    quiet = time.monotonic() + QUIET_SECONDS
    while left := still_there(session, keys, going):
        now = time.monotonic()
        if now > until:
            return left
        if now > quiet:
            quiet = float("inf")
            on_event(Notice(f"Still being deleted: {held(left)}."))
        time.sleep(PAUSE_SECONDS)
    return []


def has_finalizers(live: Manifest) -> bool:
    """Whether an object stays for a while when it is deleted."""
    return bool(live["metadata"].get("finalizers"))


def held(left: Sequence[Manifest]) -> str:
    """Objects that do not go, with their finalizers, in words."""
    told = [_held(live) for live in left[:FEW]]
    return ", ".join(told) + (f" and {len(left) - FEW} more" if len(left) > FEW else "")


def _held(live: Manifest) -> str:
    finalizers = live["metadata"].get("finalizers") or []
    return f"{key_of(live)}" + (f" (waits for finalizer {', '.join(finalizers)})" if finalizers else "")


def still_there(session: Session, keys: Sequence[Key], going: Mapping[Key, Manifest]) -> list[Manifest]:
    """Which of the objects are not gone, by one LIST per kind and namespace: a GET each takes longer than to delete.

    An object without our label, which somebody took away, is asked for by its name.
    """
    labelled = {key for key in keys if part_of(going[key]) == session.owner.set_id}
    places = sorted({(key.group, key.kind, key.namespace) for key in labelled})
    listings = all_or_raise(session.connection.client.map(lambda place: _listed(session, *place), places))
    others = sorted(set(keys) - labelled)
    listings += all_or_raise(session.connection.client.map(lambda key: _named(session, key), others))
    uids = {going[key]["metadata"].get("uid") for key in keys}
    return [live for found in listings for live in found if live["metadata"]["uid"] in uids]


def _listed(session: Session, group: str, kind: str, namespace: str) -> list[Manifest]:
    """The metadata of the labelled objects of a kind in a namespace; none where the kind is not served any more."""
    resource = session.resource_of(group, kind)
    if resource is None:
        return []
    client, labels = session.connection.client, f"{PART_OF}={session.owner.set_id}"
    try:
        return objects.list_objects(client, resource, namespace or None, labels=labels, metadata_only=True).items
    except NotFoundError:
        return []


def _named(session: Session, key: Key) -> list[Manifest]:
    resource = session.resource_of(key.group, key.kind)
    if resource is None:
        return []
    found = objects.find(session.connection.client, resource, key.namespace or None, key.name, metadata_only=True)
    return [{**found, "apiVersion": resource.api_version, "kind": resource.kind}] if found else []
