"""One container's log from its first line to its last, through restarts and broken connections."""

from __future__ import annotations

from dataclasses import dataclass

from mlstack.actions.events import LogLine
from mlstack.actions.loglines import Lines, parted
from mlstack.actions.logposition import Position
from mlstack.cluster.feed import Feed
from mlstack.cluster.logs import log_request
from mlstack.cluster.request import Request
from mlstack.compose.manifests import Manifest
from mlstack.plan.roles import Role, role_of

QUIET_SECONDS = 1.0  # how long a log of a container that has ended may be silent before it is taken for read
HELD_SECONDS = 5.0  # how long lines are held back that may have been printed
TALKING_SECONDS = 5.0  # how long it may go on talking: what it said until then is read by a request that ends
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0


NO_ROLE = Role()


@dataclass(frozen=True)
class Source:
    """A container whose log can be read. `title` is what its lines are told by: worker-3, worker-3/side."""

    namespace: str
    pod: str
    uid: str
    container: str
    role: Role = NO_ROLE
    title: str = ""

    def line(self, text: bytes, time: bytes = b"", *, several: bool) -> LogLine:
        """A line of it as an event."""
        said = text.decode("utf-8", "replace")
        index, role = self.role.index, self.role.name
        return LogLine(
            self.pod, self.container, said, several, self.title, role, index, time.decode("ascii", "replace")
        )


@dataclass(frozen=True)
class Life:
    """How far a container is: how often it was started again, and whether it says no more for now."""

    restarts: int = 0
    ended: bool = False


def sources_of(pod: Manifest) -> dict[Source, Life]:
    """The containers of a pod that have started, init containers first."""
    status, lives = pod.get("status") or {}, {}
    for field in ("initContainerStatuses", "containerStatuses"):
        for one in status.get(field) or []:
            state = one.get("state") or {}
            if state.get("running") or state.get("terminated") or (one.get("lastState") or {}).get("terminated"):
                lives[one["name"]] = Life(int(one.get("restartCount") or 0), not state.get("running"))
    return {source: lives[source.container] for source in expected_of(pod) if source.container in lives}


def expected_of(pod: Manifest) -> list[Source]:
    """The containers of a pod, started or not, init containers first."""
    metadata, spec, role = pod["metadata"], pod.get("spec") or {}, role_of(pod)
    title, names = role.title(metadata["name"]), [one["name"] for one in spec.get("containers") or []]
    first = [one["name"] for one in spec.get("initContainers") or []]
    titles = {name: f"{title}/{name}" if name in first or len(names) > 1 else title for name in (*first, *names)}
    place = metadata["namespace"], metadata["name"], metadata["uid"]
    return [Source(*place, name, role, told) for name, told in titles.items()]


@dataclass(frozen=True)
class Begin:
    """Where to begin: so many last lines, so many seconds ago; None: at the beginning."""

    tail: int | None = None
    since_s: float | None = None


class Reader:
    """Which request comes next, and what is new in what it brings. Sends nothing itself; `now` is a monotonic clock's.

    `due`: from when on a request may be sent; None while one is under way. `done`: all is read, unless it starts anew.
    """

    def __init__(self, source: Source, life: Life, begin: Begin, now: float) -> None:
        self.source = source
        self.life = life
        self.begin = begin
        self.began = now
        self.due: float | None = now
        self.done = False
        self.gone = False
        self.feed: Feed | None = None
        self.asked: Request | None = None
        self.fails = 0
        self._asked_in = life
        self._position = Position()
        self._place_life = life.restarts  # the life that the last printed line is from
        self._over_since = now
        self._lines = Lines()
        self._read_lives = life.restarts  # the lives before this one are read, or were not asked for
        self._heard = now
        self._pause = FIRST_PAUSE

    # -- what its pod tells

    def update(self, life: Life, now: float) -> None:
        """The container's state, as its pod tells it now."""
        if life == self.life:
            return
        if self.due is not None or (self.done and life.restarts > self.life.restarts):
            self.done, self.due = False, now
        self.life, self._heard, self._over_since = life, now, now

    def leave(self, now: float, *, gone: bool) -> None:
        """Its pod is gone, or nobody will listen much longer: what it said until now is read to its end."""
        self.gone |= gone
        self.update(Life(self.life.restarts, ended=True), now)

    # -- requests

    def request(self, now: float) -> Request:
        """What to ask for now: the end of a former life first, if there is one that was not read to its end."""
        self._asked_in, self.due, self._heard, self._over_since = self.life, None, now, now
        previous = self._read_lives < self.life.restarts
        tail, ago = self._beginning(now, previous=previous)
        source = self.source
        self.asked = log_request(
            source.namespace,
            source.pod,
            source.container,
            tail=tail,
            since_s=ago,
            previous=previous,
            follow=not previous and not self.life.ended,
        )
        return self.asked

    def _beginning(self, now: float, *, previous: bool) -> tuple[int | None, float | None]:
        """(how many last lines, of how many seconds) to ask for."""
        if self._position.known:
            return self._position.search(other_file=not previous and self._place_life < self.life.restarts), None
        tail, ago = self.begin.tail, self.begin.since_s
        if self.asked is not None and tail is not None:
            tail, ago = None, 1  # all that was said since the first request
        self._position.begin(whole=tail is None and ago is None)
        return None if previous else tail, None if ago is None else ago + now - self.began

    def opened(self, feed: Feed, now: float) -> None:
        """The request was sent; its answer comes by this feed."""
        self.feed, self._heard = feed, now

    def take(self, part: bytes, now: float, *, several: bool) -> list[LogLine]:
        """The new lines that a part of the log brings."""
        if part:
            self._heard, self._pause, self.fails = now, FIRST_PAUSE, 0
        return self._told(self._lines.add(part), several=several)

    def finish(self, now: float, *, whole: bool, several: bool) -> list[LogLine]:
        """The request's end, its answer `whole` or broken off: what is left to tell. Afterwards it is done or due."""
        self.close()
        previous = self._read_lives < self._asked_in.restarts
        missed = self._position.missed
        read = whole and not missed and (previous or (self._asked_in.ended and self._asked_in == self.life))
        told = self._told(self._lines.end() if read or self.gone else [], several=several)
        if read or self.gone:
            told += self._events(self._position.settle(), several=several)
        self._lines = Lines()
        if read:
            self._read_lives = self._asked_in.restarts + (not previous)
        if self.gone or (read and not previous):
            self.done = True
        elif missed or read or self._asked_in != self.life:
            self.due = now
        else:
            self.retry(now)
        return told

    def refused(self, now: float) -> None:
        """There is no such log: of a former life none is left, of a pod that is gone neither."""
        self.close()
        if self._read_lives < self._asked_in.restarts:
            self._read_lives, self.due = self._asked_in.restarts, now
        elif self.gone:
            self.done = True
        else:
            self.retry(now)

    def retry(self, now: float) -> None:
        """The next request after a pause, longer each time until something comes."""
        self.due, self.fails = now + self._pause, self.fails + 1
        self._pause = min(LONGEST_PAUSE, self._pause * 2)

    def overdue(self, now: float) -> bool:
        """Whether what is under way is not worth waiting for: its life is over, and it is silent or goes on talking."""
        over = self.gone or self._asked_in != self.life
        quiet, talking = now - self._heard > QUIET_SECONDS, now - self._over_since > TALKING_SECONDS
        return self.feed is not None and over and (quiet or talking)

    @property
    def missed(self) -> bool:
        """Whether what comes begins behind the last printed line: the request is to be ended, and another one sent."""
        return self._position.missed

    def settled(self, now: float, *, several: bool) -> list[LogLine]:
        """Lines that were held back, once nothing more comes that could show where printing resumes."""
        if not self._position.holds or now - self._heard <= HELD_SECONDS:
            return []
        return self._events(self._position.settle(), several=several)

    def close(self) -> None:
        """Ends what is under way."""
        if self.feed is not None:
            self.feed.close()
            self.feed = None

    def _told(self, lines: list[bytes], *, several: bool) -> list[LogLine]:
        return self._events(self._position.take(lines), several=several)

    def _events(self, lines: list[bytes], *, several: bool) -> list[LogLine]:
        if lines:
            self._place_life = self._asked_in.restarts - (self._read_lives < self._asked_in.restarts)
        found = []
        for line in lines:
            time, text = parted(line)
            found.append(self.source.line(text.removesuffix(b"\r"), time, several=several))
        return found
