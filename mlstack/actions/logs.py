"""What a component's containers say: read once, or followed while its pods come and go."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mlstack.actions.events import Event, LogLine, Notice, OnEvent
from mlstack.actions.follower import Follower, OnLines
from mlstack.actions.loglines import Lines, parted
from mlstack.actions.logreader import Begin, Source, sources_of
from mlstack.actions.reading import all_or_raise, first_parent, inventory_of
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.cluster import objects
from mlstack.cluster.failures import ForbiddenError, InvalidError, NotFoundError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.logs import log_request
from mlstack.cluster.wire import Answer, NoAnswerError
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import asks
from mlstack.plan.roles import role_of

POD = well_known("v1", "Pod")
AT_ONCE = 16  # logs that are opened ahead of the one that is read


@dataclass(frozen=True)
class LogOptions:
    """Which lines. `tail`: so many last ones of each container; `since_s`: of so many seconds; `previous`: of the
    containers' former lives; `container`: of those called so."""

    follow: bool = False
    tail: int | None = None
    since_s: float | None = None
    previous: bool = False
    container: str = ""

    def chosen(self, wanted: str) -> Callable[[Source], bool]:
        """Whether a container is meant by `wanted` (a role, worker-3, a pod; "": each) and these options."""
        return lambda source: (
            self.container in ("", source.container) and (not wanted or source.role.matches(wanted, source.pod))
        )


def logs(
    scope: Scope, target: str, on_lines: OnLines, on_notice: Callable[[str], None], options: LogOptions | None = None
) -> None:
    """Tells the logs of a component's pods, in batches; with `follow` until the caller is interrupted.

    `target`: COMPONENT, COMPONENT/ROLE (cnn/worker), COMPONENT/ROLE-INDEX (cnn/worker-3) or COMPONENT/POD. Raises
    MlstackError if it has no such pods.
    """
    options = options or LogOptions()
    component, _, wanted = target.partition("/")
    if component not in scope.project.component_names and "/" in target:
        scope.project.component(component)
    session = connect_only(scope)
    chosen = options.chosen(wanted)
    if options.follow:
        follower = Follower(
            session.connection.client, on_lines, on_notice, chosen=chosen, begin=Begin(options.tail, options.since_s)
        )
        follower.follow(_namespaces(session), pod_labels(session, component))
        follower.run(threading.Event())
    pods = component_pods(session, component, _namespaces(session))
    sources = [source for pod in pods for source in sources_of(pod) if chosen(source)]
    check_sources(session, component, wanted, options, pods, sources)
    found = read_logs(session, sources, on_lines, on_notice, options)
    if options.previous and not found:
        raise MlstackError(f"No container of {target} was started again in {scope.environment}: none has a former log.")


def check_sources(
    session: Session,
    component: str,
    wanted: str,
    options: LogOptions,
    pods: Sequence[Manifest],
    sources: Sequence[Source],
) -> None:
    """Raises MlstackError if there is nothing to read, with what there is instead."""
    name, every = session.scope.environment, [source for pod in pods for source in sources_of(pod)]
    if not pods:
        if component not in session.scope.project.component_names:
            session.scope.project.component(component)
        raise MlstackError(f"{component} has no pods in {name}.", f"See: mlstack status {name}")
    if not every:
        raise MlstackError(f"No container of {component} has started in {name}.", f"See: mlstack status {name}")
    if not sources:
        meant = " ".join(filter(None, (wanted, options.container and f"container {options.container}")))
        named = options.container and not wanted
        there = list(dict.fromkeys(source.container if named else source.title for source in every))
        shown = ", ".join(there[:8]) + (", ..." if len(there) > 8 else "")
        raise MlstackError(f"{component} has no {meant} in {name}.", f"There are {shown}.")


def _namespaces(session: Session) -> list[str]:
    inventory = inventory_of(first_parent(session), session.owner)
    return sorted(inventory.namespaces | {session.owner.namespace})


def pod_labels(session: Session, component: str) -> str:
    """The selector of a component's pods."""
    wanted = {"component": component, "part-of": session.owner.app, "managed-by": "mlstack"}
    return ",".join(f"app.kubernetes.io/{name}={value}" for name, value in wanted.items())


def component_pods(session: Session, component: str, namespaces: Sequence[str]) -> list[Manifest]:
    """The pods of a component, by role and index."""
    client, labels = session.connection.client, pod_labels(session, component)
    found = client.map(lambda name: objects.list_objects(client, POD, name, labels=labels).items, namespaces)
    return sorted((pod for pods in all_or_raise(found) for pod in pods), key=_order)


def _order(pod: Manifest) -> tuple[str, int, str]:
    return role_of(pod).order(pod["metadata"]["name"])


def read_logs(
    session: Session,
    sources: Sequence[Source],
    on_lines: OnLines,
    on_notice: Callable[[str], None],
    options: LogOptions,
) -> int:
    """Tells logs as they are now, one after the other; how many there were. Never holds a whole log."""
    client, several, found = session.connection.client, len(sources) > 1, 0

    def ask(source: Source) -> Answer:
        request = log_request(
            source.namespace,
            source.pod,
            source.container,
            tail=options.tail,
            since_s=options.since_s,
            previous=options.previous,
        )
        return client.stream(request)

    for first in range(0, len(sources), AT_ONCE):
        some = sources[first : first + AT_ONCE]
        for source, answer in zip(some, client.map(ask, some), strict=True):
            if isinstance(answer, NotFoundError | InvalidError):
                continue  # it went before it could be read, or it had no former life
            if isinstance(answer, ForbiddenError) or (isinstance(answer, MlstackError) and not several):
                raise answer
            if isinstance(answer, MlstackError):
                on_notice(f"{source.title}: {answer.message}")
                continue
            found += 1
            try:
                for part in _batches(answer):
                    on_lines([_line(source, line, several=several) for line in part])
            except NoAnswerError as error:
                on_notice(f"{source.title}: its log broke off ({error}).")
    return found


def _line(source: Source, line: bytes, *, several: bool) -> LogLine:
    time, text = parted(line)
    return source.line(text.removesuffix(b"\r"), time, several=several)


def _batches(answer: Answer) -> Iterator[list[bytes]]:
    """The lines of an answer as they come, some at a time."""
    lines = Lines()
    with answer:
        for part in answer.parts():
            yield lines.add(part)
    yield lines.end()


@contextmanager
def following(session: Session, component: str, on_event: OnEvent) -> Iterator[None]:
    """Tells the component's logs from a thread while the block runs, and what is still to come when it ends.

    `on_event` is called by one thread at a time, but not by the caller's: the block's own events need the same care,
    for which `one_at_a_time` is there.
    """

    def tell(lines: Sequence[LogLine]) -> None:
        for line in lines:
            on_event(line)

    expected = asks(component, session.manifests[component], session.owner.namespace)
    several = sum(ask.count for ask in expected) > 1
    follower = Follower(session.connection.client, tell, lambda text: on_event(Notice(text)), several=several)
    follower.follow(_namespaces(session), pod_labels(session, component))
    over = threading.Event()

    def run() -> None:
        try:
            follower.run(over)
        except BrokenPipeError:
            return  # nobody reads any more: whoever prints next is told so, too
        except MlstackError as error:
            on_event(Notice(f"The logs cannot be followed: {error.message}"))

    thread = threading.Thread(target=run, daemon=True, name="logs")
    thread.start()
    try:
        yield
    finally:
        over.set()
        follower.wake()
        thread.join()


def one_at_a_time(on_event: OnEvent) -> OnEvent:
    """The same listener, never called by two threads at once."""
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            on_event(event)

    return tell
