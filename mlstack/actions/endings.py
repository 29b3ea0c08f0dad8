"""Whether a component's runs have ended, which is where its followed logs end, too."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType

from mlstack.actions.componentpods import labels_of, run_places
from mlstack.actions.listing import Place
from mlstack.actions.mirror import Listed, Mirror, Told
from mlstack.actions.session import Session
from mlstack.cluster import objects
from mlstack.cluster.failures import ForbiddenError, NotFoundError
from mlstack.cluster.objects import Listing
from mlstack.cluster.watch import Event
from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.errors import MlstackError, WorkloadFailedError
from mlstack.plan.fit.asks import asks
from mlstack.plan.inventory import Inventory
from mlstack.plan.readiness import Readiness, State, readiness
from mlstack.plan.reasons import best_reason, owned_pods

SERVED = frozenset({"ReplicaSet", "StatefulSet", "DaemonSet"})


class Endings:
    """The runs of a component, watched within a `with` block until all have ended: then `on_end` is called, from any
    thread and maybe more than once. Never where there are none, or they may not be listed."""

    def __init__(self, session: Session, component: str, inventory: Inventory, on_end: Callable[[], None]) -> None:
        self._client, self._labels = session.connection.client, labels_of(session, component)
        self._component, self._namespace, self._on_end = component, session.owner.namespace, on_end
        self._runs: dict[Key, Manifest] = {}
        self._lock = threading.Lock()
        self._mirrors: list[Mirror] = []
        self._versions: dict[Place, str] = {}
        self._known = True
        for place, found in self._listed(run_places(session, inventory)):
            self._versions[place] = found.resource_version
            self._runs.update({key_of(item): item for item in found.items})

    def _listed(self, places: Sequence[Place]) -> Iterable[tuple[Place, Listing]]:
        def ask(place: Place) -> Listing:
            return objects.list_objects(self._client, *place, labels=self._labels)

        for place, found in zip(places, self._client.map(ask, places), strict=True):
            if isinstance(found, ForbiddenError):
                self._known = False
            elif isinstance(found, MlstackError):
                if not isinstance(found, NotFoundError):  # its kind is gone, and its runs with it
                    raise found
            else:
                yield place, found

    @property
    def pods(self) -> int:
        """How many pods the runs will have at a time."""
        return sum(ask.count for ask in asks(self._component, list(self._runs.values()), self._namespace))

    @property
    def over(self) -> bool:
        """Whether there were runs and all have ended."""
        return self._known and bool(self._runs) and all(map(_has_ended, self._runs.values()))

    def __enter__(self) -> Endings:
        if self.over:
            self._on_end()
        elif self._known:
            for place, version in self._versions.items():
                self._mirrors.append(
                    Mirror(self._client, *place, self._teller(place), labels=self._labels, version=version)
                )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mirror in self._mirrors:
            mirror.stop()

    def _teller(self, place: Place) -> Callable[[Told], None]:
        def tell(told: Told) -> None:
            with self._lock:
                self._see(place, told)
                over = self.over
            if over:
                self._on_end()

        return tell

    def _see(self, place: Place, told: Told) -> None:
        """A run that ended well counts when it is removed, too; one that is removed before may be started again."""
        if isinstance(told, Event):
            key = key_of(told.object)
            if told.type != "DELETED":
                self._runs[key] = told.object
            elif key in self._runs and not _has_ended(self._runs[key]):
                del self._runs[key]
        elif isinstance(told, Listed):
            resource, namespace = place
            kept = {
                key: run
                for key, run in self._runs.items()
                if (key.group, key.kind, key.namespace) != (resource.group, resource.kind, namespace) or _has_ended(run)
            }
            self._runs = kept | {key_of(item): item for item in told.items}

    def check(self, environment: str, pods: Sequence[Manifest]) -> None:
        """Raises WorkloadFailedError if a run failed, with what its pods tell of it."""
        failed = {key: run for key, run in self._runs.items() if _state(run).state is State.FAILED}
        told = [f"{key} failed: {_reason(run, pods)}" for key, run in failed.items()]
        if told:
            raise WorkloadFailedError(f"{'; '.join(told)}.", f"See its pods: mlstack status {environment}")


def _state(run: Manifest) -> Readiness:
    """How a run stands, be it on its way out or not: what has ended may be removed at once."""
    metadata = {name: value for name, value in run["metadata"].items() if name != "deletionTimestamp"}
    return readiness({**run, "metadata": metadata})


def _has_ended(run: Manifest) -> bool:
    return _state(run).state in (State.FINISHED, State.FAILED)


def _reason(run: Manifest, pods: Sequence[Manifest]) -> str:
    own, of_pods = _state(run).reason.rstrip("."), best_reason(owned_pods(run, pods)).text.rstrip(".")
    return "; ".join(filter(None, (own, of_pods)))


def is_served(pod: Manifest) -> bool:
    """Whether a pod is kept alive by what never ends."""
    return any(owner.get("kind") in SERVED for owner in pod["metadata"].get("ownerReferences") or [])
