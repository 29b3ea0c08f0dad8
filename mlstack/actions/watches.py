"""The watches behind a wait: one per kind and namespace, each on a thread that tells what it sees."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from mlstack.actions.events import Notice
from mlstack.actions.listing import order, spread_kinds
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError, GoneError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.cluster.watch import Event, Watch
from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Key, Manifest
from mlstack.errors import MlstackError, wrap_unexpected

PODS = well_known("v1", "Pod")

Seen = Event | Notice | MlstackError
"""A change, something to tell, or what ends a watch early."""


@dataclass(frozen=True)
class Target:
    """An object to wait for. `live` is the newest state known, None if not seen yet."""

    key: Key
    component: str
    resource: Resource
    live: Manifest | None = field(default=None, hash=False)


@dataclass(frozen=True)
class Around:
    """What a wait needs beside its targets: labels that select our pods, settings for hints, versions to watch from."""

    pod_labels: str
    settings: Callable[[str], Mapping[str, Setting]]
    versions: Mapping[tuple[Resource, str], str]
    labels: str = ""


class Watches:
    """Watches under way. `tell` is called from their threads."""

    def __init__(self, client: Client, tell: Callable[[Seen], None]) -> None:
        self.client = client
        self.tell = tell
        self.running: list[Watch] = []
        self.namespaces: list[str] = []

    def stop(self) -> None:
        """Ends them all."""
        for watch in self.running:
            watch.stop()

    def watch_all(self, targets: Collection[Target], around: Around) -> None:
        """One for each kind and place of the targets, and for our pods; wide where there are many namespaces."""
        self.namespaces = sorted({target.key.namespace for target in targets if target.key.namespace})
        places = {(target.resource, target.key.namespace) for target in targets}
        wide = {resource for resource, _ in spread_kinds(places)}
        for resource, namespace in sorted(places, key=order):
            if resource not in wide:
                version = around.versions.get((resource, namespace), "")
                self.follow(resource, namespace, around.labels, version)
        for resource in wide:
            self.follow(resource, "", around.labels, "")
        pods = {(PODS, namespace) for _, namespace in places if namespace}
        for _, namespace in spread_kinds(pods) or sorted(pods, key=order):
            self.follow(PODS, namespace, around.pod_labels, "")

    def follow_each(self, resource: Resource, labels: str) -> None:
        """In each namespace, where the user may not watch the whole cluster."""
        for namespace in self.namespaces:
            self.follow(resource, namespace, labels, "")

    def follow(self, resource: Resource, namespace: str, labels: str, version: str) -> None:
        """Watches a kind in a thread of its own, from `version`, or from a LIST made first where that is ""."""
        watch = Watch(self.client, resource, namespace or None, version, labels=labels)
        self.running.append(watch)
        arguments = (watch, resource, namespace, labels)
        threading.Thread(target=self.pump, args=arguments, daemon=True, name=f"watch-{resource.plural}").start()

    def pump(self, watch: Watch, resource: Resource, namespace: str, labels: str) -> None:
        """Tells what a watch sees, and what ends it early too."""
        while True:
            try:
                with wrap_unexpected(f"watching {resource.plural}"):
                    if not watch.resource_version:
                        self.list_again(watch, resource, namespace, labels)
                    for event in watch:
                        self.tell(event)
                return
            except GoneError:
                watch.resource_version = ""
            except ForbiddenError as error:
                if resource.namespaced and not namespace:
                    self.follow_each(resource, labels)
                    return
                self.tell(Notice(f"No reasons can be given: {error.message}") if resource is PODS else error)
                return
            except MlstackError as error:
                self.tell(error)
                return

    def list_again(self, watch: Watch, resource: Resource, namespace: str, labels: str) -> None:
        """What there is now, as if all of it had changed; the watch goes on from there."""
        found = objects.list_objects(self.client, resource, namespace or None, labels=labels)
        for item in found.items:
            self.tell(Event("MODIFIED", item))
        watch.resource_version = found.resource_version
