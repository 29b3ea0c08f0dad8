"""How environments stand, as it changes: a watch for each kind that is ours, and little that is asked for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from mlstack.actions.gpus import Gpus
from mlstack.actions.listing import Place, spread_kinds
from mlstack.actions.mirror import Listed, Lost, Mirror, Told
from mlstack.actions.reading import first_parent, inventory_of, list_members
from mlstack.actions.session import Scope, Session, inventory_object, open_session
from mlstack.actions.status import Seen, Status, asked_for, is_simulated, provided, rendered_keys, status_of
from mlstack.app.project import Project
from mlstack.cluster.failures import ClusterError, ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.store import Parent
from mlstack.cluster.watch import Event
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError, wrap_unexpected
from mlstack.plan.inventory import PART_OF
from mlstack.plan.ownership import managed_among
from mlstack.plan.runrecords import RunRecord

PODS, CONFIG_MAPS = well_known("v1", "Pod"), well_known("v1", "ConfigMap")
LOOK_SECONDS = 2.0
RETRY_SECONDS = 5.0
SETTLE_SECONDS = 0.5  # an apply writes the inventory twice
ASK_SECONDS = 10.0  # GPUs and warnings, where something of ours changed
ASK_ANYWAY_SECONDS = 60.0


@dataclass(frozen=True)
class View:
    """An environment as it is known now: `status` is None until it was read once; `problem`: why it is not read now."""

    environment: str
    status: Status | None = None
    problem: str = ""


OnViews = Callable[[Sequence[View]], None]


def watch_status(
    scopes: Sequence[Scope], on_views: OnViews, *, interval_s: float = 1.0, over: threading.Event | None = None
) -> None:
    """Tells all environments' views whenever one changes, at most every `interval_s`, until the caller is interrupted
    or `over` is set.

    Raises MlstackError if the only environment, or each of them, cannot be read at the start.
    """
    changed, over = threading.Event(), over or threading.Event()
    watched = [Environment(scope, changed.set) for scope in scopes]
    told: list[View] = []
    try:
        for one in watched:
            one.start()
        while not over.is_set():
            changed.wait(LOOK_SECONDS)
            changed.clear()
            if all(one.refused for one in watched):
                raise next(one.refused for one in watched if one.refused)
            views = [one.view() for one in watched]
            if views != told and any(view.status or view.problem for view in views):
                told = views
                on_views(views)
            time.sleep(interval_s)
    finally:
        for one in watched:
            one.stop()


class Environment:
    """One environment under watch, by a thread that begins anew whenever its inventory changes: what is applied then
    may be of other kinds, and the app's files may say something else."""

    def __init__(self, scope: Scope, changed: Callable[[], None]) -> None:
        self.scope = scope
        self.refused: MlstackError | None = None
        self._changed = changed
        self._seen: _Seen | None = None
        self._problem = ""
        self._anew = threading.Event()
        self._over = False

    def start(self) -> None:
        """Begins to watch."""
        threading.Thread(target=self._run, daemon=True, name=f"status-{self.scope.environment}").start()

    def stop(self) -> None:
        """Ends it."""
        self._over = True
        self._anew.set()

    def view(self) -> View:
        """How it stands."""
        status = self._seen.status() if self._seen else None
        return View(self.scope.environment, status, self._problem or (self._seen.lost if self._seen else ""))

    def _run(self) -> None:
        while not self._over:
            try:
                self._look_on()
            except MlstackError as error:
                self.refused = error if self._seen is None else None
                self._problem = error.message
                self._changed()
                self._anew.wait(RETRY_SECONDS)
            self._anew.clear()

    def _look_on(self) -> None:
        with wrap_unexpected(f"watching {self.scope.environment}"):
            session = open_session(replace(self.scope, project=Project.load(self.scope.project.root)))
            with _watched(session, self._changed, self._anew.set) as seen:
                self._seen, self._problem, self.refused = seen, "", None
                self._changed()
                self._attend(seen)

    def _attend(self, seen: _Seen) -> None:
        """Asks for what is not watched, until the inventory has changed."""
        while not self._anew.wait(ASK_SECONDS):
            if seen.ask_again():
                self._changed()
        time.sleep(SETTLE_SECONDS)


class _Seen:
    """Our objects and pods in one cluster, as watches tell them."""

    def __init__(self, session: Session, parent: Parent) -> None:
        self.session = session
        self.inventory = inventory_of(parent, session.owner)
        self.versions: dict[Place, str] = {}
        self.rendered = rendered_keys(session)
        self.ours = list_members(session, self.inventory, self.versions, self.rendered)
        self.pods: dict[Key, Manifest] = {}
        self.simulated = is_simulated(session)
        self.shared = provided(session, self.ours)
        self.gpus: Gpus | None = None
        self.events: list[Manifest] = []
        self.records: dict[str, RunRecord] = {}
        self.lost = ""
        self._dirty = True
        self._asked = -ASK_ANYWAY_SECONDS
        self._lock = threading.Lock()

    @property
    def places(self) -> set[Place]:
        """What to watch: each kind where it is, or everywhere if it is in many namespaces."""
        wide = {resource for resource, _ in spread_kinds(self.versions)}
        return {place for place in self.versions if place[0] not in wide} | {(resource, "") for resource in wide}

    def status(self) -> Status:
        """What follows from it."""
        with self._lock:
            ours, pods = dict(self.ours), list(self.pods.values())
        seen = Seen(self.inventory, ours, pods, self.gpus, self.simulated, (), self.events, self.shared, self.records)
        return status_of(self.session, seen)

    def ask_again(self) -> bool:
        """Asks for GPUs and warnings if it is time; whether they were asked for."""
        waited = time.monotonic() - self._asked
        if waited < ASK_ANYWAY_SECONDS and not self._dirty:
            return False
        self._asked, self._dirty = time.monotonic(), False
        with self._lock:
            ours, pods = dict(self.ours), list(self.pods.values())
        try:
            self.gpus, self.events, self.records = asked_for(self.session, self.inventory, ours, pods)
            self.shared = provided(self.session, ours)
        except ClusterError as error:
            self.lost = error.message
        return True

    def tell(self, kept: dict[Key, Manifest], place: Place, told: Told) -> None:
        """What a watch of a kind saw."""
        with self._lock:
            self.lost = ""
            if isinstance(told, Listed):
                _replace(kept, place, [item for item in told.items if self._counts(kept, item)])
            elif isinstance(told, Lost):
                self.lost = f"{told.error.message} What is shown is as it was."
            elif isinstance(told, MlstackError):
                self.lost = told.message
            elif told.type == "DELETED":
                kept.pop(key_of(told.object), None)
            elif self._counts(kept, told.object):
                kept[key_of(told.object)] = told.object
            self._dirty = True

    def _counts(self, kept: dict[Key, Manifest], live: Manifest) -> bool:
        """Whether to keep an object: of those with our label, which copies carry too, only our own."""
        own = managed_among({key_of(live): live}, self.rendered, self.session.owner, self.inventory)
        return kept is not self.ours or bool(own)


def _replace(kept: dict[Key, Manifest], place: Place, items: Sequence[Manifest]) -> None:
    resource, namespace = place
    for key in [key for key in kept if (key.group, key.kind) == (resource.group, resource.kind)]:
        if namespace in ("", key.namespace):
            del kept[key]
    kept.update({key_of(item): item for item in items})


@contextmanager
def _watched(session: Session, changed: Callable[[], None], anew: Callable[[], None]) -> Iterator[_Seen]:
    """What is ours, kept up to date while the block runs. `anew` is called when the inventory changes, and when a watch
    ends for good: who begins anew is told why."""
    parent = first_parent(session)
    seen = _Seen(session, parent)
    owner, client = session.owner, session.connection.client

    def mirror(kept: dict[Key, Manifest], place: Place, labels: str, version: str = "") -> Mirror:
        def tell(told: Told) -> None:
            seen.tell(kept, place, told)
            changed()
            if isinstance(told, MlstackError) and not isinstance(told, ForbiddenError):
                anew()

        return Mirror(client, *place, tell, labels=labels, version=version)

    def look(told: Told) -> None:
        if any(item["metadata"]["resourceVersion"] != parent.version for item in _items(told)):
            anew()

    ours = f"{PART_OF}={owner.set_id}"
    mirrors = [mirror(seen.ours, place, ours, seen.versions.get(place, "")) for place in seen.places]
    pods = session.pod_labels
    namespaces = sorted(seen.inventory.namespaces | {owner.namespace})
    mirrors += [mirror(seen.pods, (PODS, namespace), pods) for namespace in namespaces]
    memory = inventory_object(owner)
    mirrors.append(Mirror(client, CONFIG_MAPS, memory.namespace, look, fields=f"metadata.name={memory.name}"))
    seen.ask_again()
    try:
        yield seen
    finally:
        for one in mirrors:
            one.stop()


def _items(told: Told) -> Sequence[Manifest]:
    if isinstance(told, Listed):
        return told.items
    return [told.object] if isinstance(told, Event) else []
