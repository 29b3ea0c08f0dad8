"""Whether a component's runs have ended, which is where its followed logs end, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import TracebackType

from mlstack.actions.componentpods import run_places
from mlstack.actions.listing import Place
from mlstack.actions.mirror import Listed, Lost, Mirror, Told
from mlstack.actions.reading import inventory_of, read_parent
from mlstack.actions.runrecords import record_ends
from mlstack.actions.session import Session, inventory_object
from mlstack.cluster import objects
from mlstack.cluster.failures import ClusterError, ForbiddenError, NotFoundError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.cluster.objects import Listing
from mlstack.cluster.watch import Event
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError, WorkloadFailedError
from mlstack.plan.fit.asks import asks
from mlstack.plan.inventory import PART_OF, GroupKind, Inventory, component_of
from mlstack.plan.readiness import State
from mlstack.plan.reasons import best_reason, owned_pods
from mlstack.plan.runrecords import RunRecord
from mlstack.plan.runs import has_ended, run_name, run_readiness

CONFIG_MAP = well_known("v1", "ConfigMap")
SERVED = frozenset({"ReplicaSet", "StatefulSet", "DaemonSet"})


class Endings:
    """The runs of a component, watched within a `with` block until all have ended: then `on_end` is called, from any
    thread and maybe more than once. Never where there are none, or they may not be listed.

    `on_run` gets each run as it is now, and again after each change. An apply that runs at the same time may bring
    kinds and namespaces where nothing of ours was: the inventory tells.
    """

    def __init__(
        self,
        session: Session,
        component: str,
        inventory: Inventory,
        on_end: Callable[[], None],
        on_run: Callable[[Manifest], None] = lambda run: None,
    ) -> None:
        self._session, self._component, self._on_end, self._on_run = session, component, on_end, on_run
        # Not by the component's common label: a run may carry one of its author's instead.
        self._client, self._labels = session.connection.client, f"{PART_OF}={session.owner.set_id}"
        self._runs: dict[Key, Manifest] = {}
        self._lock = threading.Lock()
        self._mirrors: list[Mirror] = []
        self._unread: set[Place] = set()  # where nobody knows (yet) what there is
        self._versions: dict[Place, str] = {}
        self._read(run_places(session, inventory))

    def _read(self, places: Sequence[Place]) -> None:
        def ask(place: Place) -> Listing:
            return objects.list_objects(self._client, *place, labels=self._labels)

        for place, found in zip(places, self._client.map(ask, places), strict=True):
            if isinstance(found, ForbiddenError):
                self._unread.add(place)
            elif isinstance(found, MlstackError):
                if not isinstance(found, NotFoundError):  # its kind is gone, and its runs with it
                    raise found
            else:
                self._versions[place] = found.resource_version
                self._keep(found.items)

    def _keep(self, runs: Iterable[Manifest]) -> None:
        own = {key_of(run): run for run in runs if component_of(run) == self._component}
        self._runs.update(own)
        for run in own.values():
            self._on_run(run)

    @property
    def pods(self) -> int:
        """How many pods the runs will have at a time."""
        runs, namespace = list(self._runs.values()), self._session.owner.namespace
        return sum(ask.count for ask in asks(self._component, runs, namespace))

    @property
    def over(self) -> bool:
        """Whether there were runs and all have ended."""
        return bool(self._runs) and not self._unread and all(map(has_ended, self._runs.values()))

    def __enter__(self) -> Endings:
        if self.over:
            self._on_end()
            return self
        for place, version in self._versions.items():
            self._watch(place, version)
        memory = inventory_object(self._session.owner)
        fields = f"metadata.name={memory.name}"
        self._mirrors.append(Mirror(self._client, CONFIG_MAP, memory.namespace, self._look_again, fields=fields))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mirror in self._mirrors:
            mirror.stop()

    def _watch(self, place: Place, version: str = "") -> None:
        tell = partial(self._see, place)
        self._mirrors.append(Mirror(self._client, *place, tell, labels=self._labels, version=version))

    def _look_again(self, told: Told) -> None:
        """The inventory has changed: whatever it names now is watched, too."""
        if isinstance(told, MlstackError | Lost):
            return
        with suppress(ClusterError):
            inventory = inventory_of(read_parent(self._session), self._session.owner)
            for place in run_places(self._session, inventory):
                if place not in self._versions and place not in self._unread:
                    self._unread.add(place)
                    self._watch(place)

    def _see(self, place: Place, told: Told) -> None:
        with self._lock:
            if isinstance(told, Event):
                self._change(told)
            elif isinstance(told, Listed):
                self._replace(place, told)
            elif isinstance(told, NotFoundError):
                self._unread.discard(place)
            elif isinstance(told, MlstackError):
                self._unread.add(place)
            over = self.over
        if over:
            self._on_end()

    def _change(self, told: Event) -> None:
        """A run that has ended counts when it is removed, too; one that is removed before may be started again."""
        key = key_of(told.object)
        if told.type != "DELETED":
            self._keep([told.object])
        elif key in self._runs and not has_ended(self._runs[key]):
            del self._runs[key]

    def _replace(self, place: Place, told: Listed) -> None:
        resource, namespace = place
        self._unread.discard(place)
        self._versions.setdefault(place, "")
        here = {key for key in self._runs if (key.group, key.kind, key.namespace) == (*_kind(resource), namespace)}
        gone = {key for key in here if not has_ended(self._runs[key])}
        for key in gone:
            del self._runs[key]
        self._keep(told.items)

    def record(self, inventory: Inventory) -> dict[str, RunRecord]:
        """Record how the runs ended, where nobody has; the records by the runs' names."""
        return record_ends(self._session, inventory, {run_name(key): run for key, run in self._runs.items()})

    def check(self, environment: str, pods: Sequence[Manifest], records: Mapping[str, RunRecord] | None = None) -> None:
        """Raises WorkloadFailedError if a run failed, with what its pods, or its record, tell of it."""
        failed = {key: run for key, run in self._runs.items() if run_readiness(run).state is State.FAILED}
        told = [
            f"{key} failed: {_reason(run, pods, (records or {}).get(run_name(key)))}" for key, run in failed.items()
        ]
        if told:
            raise WorkloadFailedError(f"{'; '.join(told)}.", last_lines_hint(environment, self._component))


def _kind(resource: Resource) -> GroupKind:
    return resource.group, resource.kind


def _reason(run: Manifest, pods: Sequence[Manifest], record: RunRecord | None) -> str:
    own, of_pods = run_readiness(run).reason.rstrip("."), best_reason(owned_pods(run, pods)).text.rstrip(".")
    if not of_pods and record and record.reason:
        return record.reason.rstrip(".")
    return "; ".join(filter(None, (own, of_pods)))


def last_lines_hint(environment: str, component: str) -> str:
    """What to do about a run that failed."""
    return f"Its last lines: mlstack logs {environment} {component}"


def is_served(pod: Manifest) -> bool:
    """Whether a pod is kept alive by what never ends."""
    return any(owner.get("kind") in SERVED for owner in pod["metadata"].get("ownerReferences") or [])
