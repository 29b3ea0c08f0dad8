"""What a component's containers say: read once, or followed while its pods come and go."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from mlstack.actions.events import Event, LogLine, Notice, OnEvent
from mlstack.actions.reading import all_or_raise, inventory_of, read_parent
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.cluster import logs as pod_logs
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, InvalidError, NotFoundError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError

POD = well_known("v1", "Pod")
LOOK_SECONDS = 1.0
LAST_WORDS_SECONDS = 2.0  # how long a followed log may still speak after its run has ended


@dataclass(frozen=True)
class Source:
    """A container whose log can be read; `started` tells one of its lives from the next."""

    namespace: str
    pod: str
    container: str
    started: str = ""

    def line(self, text: str, *, several: bool) -> LogLine:
        """A line of it as an event."""
        return LogLine(self.pod, self.container, text, several)


def logs(
    scope: Scope, component: str, on_event: OnEvent, *, follow: bool = False, tail: int | None = None, previous: bool
) -> None:
    """Tells the logs of a component's pods as LogLines; with `follow` until the caller is interrupted.

    `tail`: only so many last lines of each container; `previous`: of the containers' former lives. Raises MlstackError
    if it has no pods.
    """
    session = connect_only(scope)
    found = component_pods(session, component, _namespaces(session))
    if not found and not follow:
        if component not in scope.project.component_names:
            scope.project.component(component)
        name = scope.environment
        raise MlstackError(f"{component} has no pods in {name}.", f"See: mlstack status {name}")
    if follow:
        with following(session, component, on_event, tail=tail):
            threading.Event().wait()
    client, sources = session.connection.client, [source for pod in found for source in sources_of(pod)]
    read = all_or_raise(client.map(lambda source: read_log(client, source, tail, previous=previous), sources))
    for source, text in zip(sources, read, strict=True):
        for line in text.splitlines():
            on_event(source.line(line, several=len(sources) > 1))


def _namespaces(session: Session) -> list[str]:
    inventory = inventory_of(read_parent(session), session.owner)
    return sorted(inventory.namespaces | {session.owner.namespace})


def component_pods(session: Session, component: str, namespaces: Sequence[str]) -> list[Manifest]:
    """The pods of a component, by its label."""
    wanted = {"component": component, "part-of": session.owner.app, "managed-by": "mlstack"}
    labels = ",".join(f"app.kubernetes.io/{name}={value}" for name, value in wanted.items())
    client = session.connection.client
    found = client.map(lambda name: objects.list_objects(client, POD, name, labels=labels).items, namespaces)
    return [pod for pods in all_or_raise(found) for pod in pods]


def sources_of(pod: Manifest) -> list[Source]:
    """The containers of a pod that have started, init containers first."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    every = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    found = []
    for one in every:
        state = one.get("state") or {}
        now = state.get("running") or state.get("terminated") or (one.get("lastState") or {}).get("terminated")
        if now:
            started = f"{metadata.get('uid')} {now.get('startedAt', '')}"
            found.append(Source(metadata["namespace"], metadata["name"], one["name"], started))
    return found


def read_log(client: Client, source: Source, tail: int | None, *, previous: bool) -> str:
    """A container's log, "" where there is none (any more)."""
    try:
        return pod_logs.pod_logs(client, source.namespace, source.pod, source.container, tail=tail, previous=previous)
    except (NotFoundError, InvalidError):
        return ""


@contextmanager
def following(session: Session, component: str, on_event: OnEvent, *, tail: int | None = None) -> Iterator[None]:
    """Tells the component's logs from threads while the block runs, and what is still to come when it ends.

    `on_event` is called by one thread at a time, but not by the caller's: the block's own events need the same care,
    for which `one_at_a_time` is there.
    """
    follower = _Follower(session, component, on_event, tail)
    follower.start()
    try:
        yield
    finally:
        follower.finish()


def one_at_a_time(on_event: OnEvent) -> OnEvent:
    """The same listener, never called by two threads at once."""
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            on_event(event)

    return tell


class _Follower:
    """A thread that looks for pods, and one for each container's log."""

    def __init__(self, session: Session, component: str, on_event: OnEvent, tail: int | None) -> None:
        self.session, self.component, self.on_event, self.tail = session, component, on_event, tail
        self.namespaces = _namespaces(session)
        self.readers: dict[Source, threading.Thread] = {}
        self.several = False
        self.over = threading.Event()
        self.looker = _thread(self.look)

    def start(self) -> None:
        self.looker.start()

    def finish(self) -> None:
        """The last look, for pods that came and went between two, and the readers' last words."""
        self.over.set()
        self.looker.join(LAST_WORDS_SECONDS)
        until = time.monotonic() + LAST_WORDS_SECONDS
        for reader in list(self.readers.values()):
            reader.join(max(0.0, until - time.monotonic()))

    def look(self) -> None:
        last = False
        while not last:
            last = self.over.wait(LOOK_SECONDS if self.readers else LOOK_SECONDS / 4)
            try:
                pods = component_pods(self.session, self.component, self.namespaces)
            except ClusterError as error:
                self.on_event(Notice(f"Pods cannot be listed: {error.message}"))
                continue
            self.several = self.several or sum(len(pod["spec"]["containers"]) for pod in pods) > 1
            for source in (source for pod in pods for source in sources_of(pod)):
                if source not in self.readers:
                    self.readers[source] = _thread(partial(self.read, source))
                    self.readers[source].start()

    def read(self, source: Source) -> None:
        client = self.session.connection.client
        parts = pod_logs.follow_logs(client, source.namespace, source.pod, source.container, tail=self.tail)
        try:
            for line in lines(parts):
                self.on_event(source.line(line, several=self.several))
        except (NotFoundError, InvalidError):
            return  # it went before it could be read
        except ClusterError as error:
            self.on_event(Notice(f"{source.pod}: its log cannot be read: {error.message}"))


def _thread(target: Callable[[], None]) -> threading.Thread:
    return threading.Thread(target=target, daemon=True, name="logs")


def lines(parts: Iterator[bytes]) -> Iterator[str]:
    """The lines of a text that comes in parts, each when it is whole; the last one also without its end."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (line.decode("utf-8", "replace") for line in whole)
    if rest:
        yield rest.decode("utf-8", "replace")
