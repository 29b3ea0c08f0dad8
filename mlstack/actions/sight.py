"""What a wait sees: its targets and their pods as they stand now, and the warnings about those that tell nothing."""

from __future__ import annotations

import queue
import time
from collections.abc import Collection, Iterable, Mapping, Sequence

from mlstack.actions.events import Notice, OnEvent
from mlstack.actions.involved import replica_sets
from mlstack.actions.watches import PODS, Around, Seen, Target, Watches
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.cluster.watch import Event
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError
from mlstack.plan.readiness import State, readiness
from mlstack.plan.reasons import Reason, event_reason, events_about
from mlstack.plan.runs import has_ended, is_run

EVENTS_EVERY_SECONDS = 5.0
EVENTS = well_known("v1", "Event")


class Sight:
    """Targets and pods as the watches tell of them. Their threads put what they see into a queue; one thread takes it.

    `lives` are the targets that are there, `gone` those that were deleted, `pods` all pods around them.
    """

    def __init__(self, client: Client, targets: Sequence[Target], on_event: OnEvent) -> None:
        self.on_event = on_event
        self.targets = {target.key: target for target in targets}
        self.lives = {target.key: target.live for target in targets if target.live is not None}
        self.pods: dict[Key, Manifest] = {}
        self.gone: set[Key] = set()
        self._client = client
        self._seen: queue.Queue[Seen] = queue.Queue()
        self._watches = Watches(client, self._seen.put)

    def watch(self, around: Around) -> None:
        """Starts the watches."""
        self._watches.watch_all(list(self.targets.values()), around)

    def stop(self) -> None:
        """Ends them."""
        self._watches.stop()

    def take(self, seconds: float) -> None:
        """The next thing seen, waiting for it up to `seconds`, and all others that are there already.

        Raises what a watch ended with.
        """
        try:
            self._see(self._seen.get(timeout=seconds))
            while True:
                self._see(self._seen.get_nowait())
        except queue.Empty:
            return

    def look(self, around: Around) -> None:
        """Lists targets and pods once. What is not listed has gone, except a run or an object that had ended before.

        Keeps the last known state where a LIST fails: its caller is about to give up waiting.
        """
        for place in sorted({(target.resource, target.key.namespace) for target in self.targets.values()}, key=str):
            self._look_at(place, around.labels)
        for namespace in sorted({key.namespace for key in self.targets if key.namespace}):
            found = self._listed((PODS, namespace), around.pod_labels)
            if found is not None:
                self.pods = {key: pod for key, pod in self.pods.items() if key.namespace != namespace}
                self.pods |= {key_of(pod): pod for pod in found}

    def _look_at(self, place: tuple[Resource, str], labels: str) -> None:
        found = self._listed(place, labels)
        if found is None:
            return
        listed = {key_of(item): item for item in found}
        for key, target in self.targets.items():
            if (target.resource, key.namespace) != place:
                continue
            if key in listed:
                self._see_target(key, Event("MODIFIED", listed[key]))
            elif key in self.lives:
                self._see_target(key, Event("DELETED", self.lives[key]))

    def _listed(self, place: tuple[Resource, str], labels: str) -> Sequence[Manifest] | None:
        try:
            return objects.list_objects(self._client, place[0], place[1] or None, labels=labels).items
        except ClusterError:
            return None

    def _see(self, seen: Seen) -> None:
        if isinstance(seen, MlstackError):
            raise seen
        if isinstance(seen, Notice):
            self.on_event(seen)
            return
        key = key_of(seen.object)
        if key in self.targets:
            self._see_target(key, seen)
        elif key.kind == "Pod":
            self.pods.pop(key, None)
            if seen.type != "DELETED":
                self.pods[key] = seen.object

    def _see_target(self, key: Key, seen: Event) -> None:
        before = self.lives.get(key)
        if before is not None and _version(seen.object) < _version(before):
            return  # the watch starts before our own writes: what it tells of then is known, or a former object
        if seen.type != "DELETED" or (is_run(key) and has_ended(seen.object)):
            self.lives[key] = seen.object
            self.gone.discard(key)
        elif before is None or readiness(before).state is not State.FINISHED:
            self.lives.pop(key, None)
            self.gone.add(key)


class EventWords:
    """Where pods do not tell (a controller that cannot create any), its Warning events do. Asked for rarely."""

    def __init__(self, client: Client, on_event: OnEvent) -> None:
        self.client, self.on_event = client, on_event
        self.told: dict[Key, Reason] = {}
        self.asked = time.monotonic()

    def ask(self, silent: Iterable[Key], lives: Mapping[Key, Manifest], pods: Collection[Manifest] = ()) -> None:
        """Lists the events of the namespaces of these objects where the last time was a while ago."""
        if time.monotonic() - self.asked >= EVENTS_EVERY_SECONDS:
            self.ask_now(silent, lives, pods)

    def ask_now(self, silent: Iterable[Key], lives: Mapping[Key, Manifest], pods: Collection[Manifest] = ()) -> None:
        """Lists them however short ago the last time was."""
        self.asked = time.monotonic()
        keys = list(silent)
        for namespace in sorted({key.namespace for key in keys}):
            try:
                found = objects.list_objects(self.client, EVENTS, namespace, fields="type=Warning").items
                around = [*pods, *replica_sets(self.client, namespace, found)]
            except ClusterError as error:
                self.on_event(Notice(f"Events cannot be read: {error.message}"))
                continue
            for key in (key for key in keys if key.namespace == namespace):
                self.told[key] = event_reason(events_about(lives.get(key), found, around))


def _version(live: Manifest) -> int:
    """Resource versions grow within a kind (Kubernetes guarantees their order since 1.35, etcd always had it)."""
    text = str(live["metadata"].get("resourceVersion", ""))
    return int(text) if text.isdigit() else 0
