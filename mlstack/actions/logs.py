"""What a component's containers say: read once, or followed while its pods come and go."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from mlstack.actions.componentpods import component_pods, namespaces_of, remembered
from mlstack.actions.events import LogLine
from mlstack.actions.follower import OnLines
from mlstack.actions.following import follow_logs
from mlstack.actions.keptlogs import tell_kept
from mlstack.actions.loglines import Lines, parted
from mlstack.actions.logreader import Source, sources_of
from mlstack.actions.logtarget import LogOptions, LogTarget
from mlstack.actions.session import Scope, Session, connect_only
from mlstack.actions.trainerstatus import progress_lines
from mlstack.app.names import LABEL
from mlstack.cluster.failures import ForbiddenError, InvalidError, NotFoundError
from mlstack.cluster.logs import log_request
from mlstack.cluster.wire import Answer, NoAnswerError
from mlstack.errors import MlstackError

AT_ONCE = 16  # logs that are opened ahead of the one that is read


def logs(
    scope: Scope, target: str, on_lines: OnLines, on_notice: Callable[[str], None], options: LogOptions | None = None
) -> None:
    """Tells the logs of a component's pods, in batches; with `follow` until its runs have ended, or the caller is
    interrupted.

    `target`: COMPONENT, COMPONENT/ROLE (cnn/worker), COMPONENT/ROLE-INDEX (cnn/worker-3) or COMPONENT/POD. Raises
    MlstackError if it has no such pods, WorkloadFailedError if a run that was followed failed.
    """
    options = options or LogOptions()
    meant = LogTarget.of(target, options)
    if meant.component not in scope.project.component_names and (meant.wanted or not LABEL.match(meant.component)):
        scope.project.component(meant.component)
    session = connect_only(scope)
    if options.follow:
        follow_logs(session, meant, on_lines, on_notice)
        return
    inventory = remembered(session)
    pods = component_pods(session, meant.component, namespaces_of(session, inventory))
    progress = progress_lines(session, meant.component, inventory) if options.progress else []
    if progress:
        on_lines(progress)
    if problem := meant.lacking(pods, scope.environment, scope.project):
        if progress or (not pods and tell_kept(session, meant, inventory, on_lines, on_notice)):
            return
        raise problem
    sources = [source for pod in pods for source in sources_of(pod) if meant.chosen(source)]
    found = read_logs(session, sources, on_lines, on_notice, options)
    if options.previous and not found:
        raise MlstackError(f"No container of {target} was started again in {scope.environment}: none has a former log.")


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
