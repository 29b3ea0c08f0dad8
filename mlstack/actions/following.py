"""A component's logs followed while its pods come and go: by themselves until its runs end, or beside a wait."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

from mlstack.actions.componentpods import component_pods, labels_of, namespaces_of, remembered
from mlstack.actions.endings import Endings, is_served
from mlstack.actions.events import Event, LogLine, Notice, OnEvent
from mlstack.actions.follower import Follower, OnLines
from mlstack.actions.keptlogs import tell_kept
from mlstack.actions.logtarget import LogTarget
from mlstack.actions.session import Session
from mlstack.actions.trainerstatus import progress_line
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError, UnexpectedError, wrap_unexpected
from mlstack.plan.fit.asks import asks


def follow_logs(session: Session, meant: LogTarget, on_lines: OnLines, on_notice: Callable[[str], None]) -> None:
    """Tells the logs of a component's pods as they grow, until its runs have ended and all was read; where it is a
    service, until the caller is interrupted. Raises WorkloadFailedError for a run that failed."""
    inventory, over = remembered(session), threading.Event()
    namespaces = namespaces_of(session, inventory)

    def end() -> None:
        over.set()
        follower.wake()

    def lacking() -> MlstackError | None:
        return meant.lacking(pods, session.scope.environment, session.scope.project)

    lock = threading.Lock()

    def tell(lines: Sequence[LogLine]) -> None:
        with lock:
            on_lines(lines)

    def tell_progress(run: Manifest) -> None:
        if line := progress_line(run):
            tell([line])

    on_run = tell_progress if meant.options.progress else lambda run: None
    endings = Endings(session, meant.component, inventory, end, on_run)
    pods = component_pods(session, meant.component, namespaces)
    several = not meant.wanted and endings.pods > 1
    chosen, begin = meant.chosen, meant.options.begin
    follower = Follower(session.connection.client, tell, on_notice, chosen=chosen, begin=begin, several=several)
    if (problem := lacking()) and not endings.over:
        on_notice(f"{problem.message} {problem.hint}".rstrip() + " Waits for what comes (Ctrl-C ends).")
    follower.follow(namespaces, labels_of(session, meant.component))
    with nullcontext() if any(map(is_served, pods)) else endings:
        follower.run(over)
    pods = component_pods(session, meant.component, namespaces)
    problem = None if follower.seen else lacking()
    if problem and pods:
        raise problem
    ended = endings.record(inventory)
    if problem and tell_kept(session, meant, inventory, on_lines, on_notice):
        problem = None
    endings.check(session.scope.environment, pods, ended)
    if problem:
        raise problem


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
    follower.follow(namespaces_of(session, remembered(session)), labels_of(session, component))
    over = threading.Event()
    broken: list[UnexpectedError] = []

    def run() -> None:
        try:
            with wrap_unexpected("following the logs"):
                follower.run(over)
        except BrokenPipeError:
            return  # nobody reads any more: whoever prints next is told so, too
        except MlstackError as error:
            on_event(Notice(f"The logs cannot be followed: {error.message}"))
            broken.extend([error] if isinstance(error, UnexpectedError) else [])

    thread = threading.Thread(target=run, daemon=True, name="logs")
    thread.start()
    try:
        yield
    finally:
        over.set()
        follower.wake()
        thread.join()
    if broken:
        raise broken[0]


def one_at_a_time(on_event: OnEvent) -> OnEvent:
    """The same listener, never called by two threads at once."""
    lock = threading.Lock()

    def tell(event: Event) -> None:
        with lock:
            on_event(event)

    return tell
