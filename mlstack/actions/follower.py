"""Many logs followed on one thread: a selector over all that are open, a few threads that open them."""

from __future__ import annotations

import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from mlstack.actions.events import LogLine
from mlstack.actions.logopening import Openers, Renewals, Trouble
from mlstack.actions.logreader import Begin, Reader, Source, expected_of, sources_of
from mlstack.actions.mirror import Listed, Lost, Mirror, Told
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ClusterError, ForbiddenError, InvalidError, NotFoundError, UnauthorizedError
from mlstack.cluster.feed import Feed
from mlstack.cluster.kinds import well_known
from mlstack.cluster.watch import Event
from mlstack.cluster.wire import NoAnswerError
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError

POD = well_known("v1", "Pod")
LOOK_SECONDS = 0.25
# Logs of many containers come line by line: reading what gathers in this time costs a quarter of reading each at once.
GATHER_SECONDS = 0.1
LAST_WORDS_SECONDS = 5.0  # of silence, after which nothing more is waited for
ALL_WORDS_SECONDS = 60.0  # in all: a log may be written faster than it is read
RENEWALS = 3
BODY_BYTES = 1 << 16

OnLines = Callable[[Sequence[LogLine]], None]
Chosen = Callable[[Source], bool]
Message = tuple[str, Told] | tuple[Reader, Feed | MlstackError]


class Follower:
    """The logs of all chosen containers of the pods that a label selects, as they come and go.

    `on_lines` gets lines in batches, those of one container in their order; it and `on_notice` are called by the
    thread that runs. `begin` holds for what is there at the first look: what comes later is told from its beginning.
    `several`: more containers than the first are expected, so its lines too are told apart from the others'.
    """

    def __init__(
        self,
        client: Client,
        on_lines: OnLines,
        on_notice: Callable[[str], None],
        *,
        chosen: Chosen = lambda source: True,
        begin: Begin | None = None,
        several: bool = False,
    ) -> None:
        self.client = client
        self.on_lines = on_lines
        self.chosen, self.begin = chosen, begin or Begin()
        self.readers: dict[tuple[str, str], Reader] = {}
        self.several = several
        self.seen = False  # whether there was any container to follow
        self._inbox: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._selector = selectors.DefaultSelector()
        self._bell, self._ear = socket.socketpair()
        self._mirrors: dict[str, Mirror] = {}
        self._looked: set[str] = set()
        self._meant: set[tuple[str, str]] = set()
        self._bodies: dict[Reader, bytes] = {}
        self._openers = Openers(client, lambda reader, what: self._post((reader, what)))
        self._trouble, self._renewals = Trouble(on_notice), Renewals(client)
        self._labels = ""
        self._heard, self._leaving = 0.0, False
        for end in (self._bell, self._ear):
            end.setblocking(False)
        self._selector.register(self._ear, selectors.EVENT_READ)

    # -- for any thread

    def wake(self) -> None:
        """Has the running thread look at once."""
        try:
            self._bell.send(b"\0")
        except OSError:
            return  # it is awake already, or over

    def _post(self, message: Message) -> None:
        self._inbox.put(message)
        self.wake()

    # -- the running thread

    def follow(self, namespaces: Sequence[str], labels: str) -> None:
        """Begins to look for pods in these namespaces."""
        self._labels = labels
        for name in namespaces:
            self._mirrors[name] = Mirror(self.client, POD, name, self._teller(name), labels=labels)

    def _teller(self, namespace: str) -> Callable[[Told], None]:
        return lambda told: self._post((namespace, told))

    def run(self, over: threading.Event) -> None:
        """Reads until `over` is set (and `wake` called), and then what was said until now. Raises MlstackError for
        what does not mend by itself."""
        try:
            while not over.is_set():
                self.turn()
            self._last_words()
        finally:
            self.close()

    def close(self) -> None:
        """Ends all that is under way."""
        for mirror in self._mirrors.values():
            mirror.stop()
        self._openers.close()
        for reader in self.readers.values():
            reader.close()
        self._selector.close()
        self._bell.close()
        self._ear.close()

    def turn(self) -> None:
        """Waits for something to happen, and does what follows from it."""
        began = time.monotonic()
        lines: list[LogLine] = []
        for key, _ in self._selector.select(LOOK_SECONDS):
            if key.data is None:
                self._hear()
            else:
                lines += self._read(key.data)
        while not self._inbox.empty():
            who, what = self._inbox.get()
            lines += self._opened(who, what) if isinstance(who, Reader) else self._look(who, what)  # type: ignore[arg-type]  # the two go together
        lines += self._attend(time.monotonic())
        if lines:
            self.on_lines(lines)
            self._heard = time.monotonic()
            time.sleep(max(0.0, GATHER_SECONDS - (time.monotonic() - began)))

    def _hear(self) -> None:
        try:
            while self._ear.recv(4096):
                pass
        except BlockingIOError:
            return

    def _last_words(self) -> None:
        """Looks for pods that came and went between two looks, and reads all logs to their ends."""
        for name, mirror in self._mirrors.items():
            mirror.stop()
            with suppress(ClusterError):
                found = objects.list_objects(self.client, POD, name, labels=self._labels)
                self._look(name, Listed(tuple(found.items)))
        self._mirrors = {}
        self._leaving = True
        began = self._heard = time.monotonic()
        for reader in self.readers.values():
            reader.leave(time.monotonic(), gone=False)
        while not all(reader.done for reader in self.readers.values()):
            now = time.monotonic()
            if now - self._heard > LAST_WORDS_SECONDS or now - began > ALL_WORDS_SECONDS:
                break
            self.turn()

    # -- pods

    def _look(self, namespace: str, told: Told) -> list[LogLine]:
        if self._leaving:
            return []  # what is under way is read to its end; nothing new begins
        if isinstance(told, MlstackError):
            raise told
        if isinstance(told, Lost):
            self._trouble.tell(namespace, told.error)
        elif isinstance(told, Listed):
            self._trouble.mended(namespace)
            begin = Begin() if namespace in self._looked else self.begin
            self._looked.add(namespace)
            for pod in told.items:
                self._see(pod, begin)
            self._miss(namespace, {pod["metadata"]["uid"] for pod in told.items})
        elif told.type == "DELETED":
            self._leave(told)
        else:
            self._see(told.object, Begin())
        return []

    def _see(self, pod: Manifest, begin: Begin) -> None:
        now = time.monotonic()
        # Who has not started yet counts: the first one's lines have to be told from the others' from the beginning.
        self._meant |= {(source.uid, source.container) for source in expected_of(pod) if self.chosen(source)}
        self.several = self.several or len(self._meant) > 1
        for source, life in sources_of(pod).items():
            reader = self.readers.get((source.uid, source.container))
            if reader is not None:
                reader.update(life, now)
            elif self.chosen(source):
                self.readers[source.uid, source.container] = Reader(source, life, begin, now)
                self.seen = True

    def _leave(self, told: Event) -> None:
        self._see(told.object, Begin())
        for reader in self._of({told.object["metadata"]["uid"]}):
            reader.leave(time.monotonic(), gone=True)

    def _miss(self, namespace: str, there: set[str]) -> None:
        known = {uid for (uid, _), reader in self.readers.items() if reader.source.namespace == namespace}
        for reader in self._of(known - there):
            reader.leave(time.monotonic(), gone=True)

    def _of(self, uids: set[str]) -> list[Reader]:
        return [reader for (uid, _), reader in self.readers.items() if uid in uids]

    # -- logs

    def _attend(self, now: float) -> list[LogLine]:
        """Opens what is due, ends what is silent and over, forgets pods that are gone and read."""
        lines: list[LogLine] = []
        for key, reader in list(self.readers.items()):
            lines += reader.settled(now, several=self.several)
            if reader.overdue(now):
                lines += self._finish(reader, whole=False)
            if reader.done and reader.gone:
                del self.readers[key]
            elif not reader.done and reader.due is not None and reader.due <= now:
                reader.request(now)
                self._openers.open(reader)
        return lines

    def _opened(self, reader: Reader, what: Feed | MlstackError) -> list[LogLine]:
        if isinstance(what, Feed):
            reader.opened(what, time.monotonic())
            self._selector.register(what, selectors.EVENT_READ, reader)
            return self._read(reader)
        self._failed(reader, what)
        return []

    def _read(self, reader: Reader) -> list[LogLine]:
        feed = reader.feed
        assert feed is not None
        try:
            part = feed.take()
        except NoAnswerError as error:
            if not feed.status:
                self._failed(reader, ClusterError(f"The connection broke off ({error})."))
                return []
            return self._finish(reader, whole=False)
        if feed.status >= 400:
            return self._refused(reader, feed, part)
        if feed.status:
            self._trouble.mended(reader)
        lines = reader.take(part, time.monotonic(), several=self.several)
        return [*lines, *self._finish(reader, whole=feed.complete)] if feed.complete or reader.missed else lines

    def _finish(self, reader: Reader, *, whole: bool) -> list[LogLine]:
        self._forget(reader)
        return reader.finish(time.monotonic(), whole=whole, several=self.several)

    def _forget(self, reader: Reader) -> None:
        if reader.feed is not None:
            self._selector.unregister(reader.feed)
        self._bodies.pop(reader, None)

    def _refused(self, reader: Reader, feed: Feed, part: bytes) -> list[LogLine]:
        """An answer of 400 or more, once all of it is there."""
        self._bodies[reader] = (self._bodies.get(reader, b"") + part)[:BODY_BYTES]
        if feed.complete:
            assert reader.asked is not None
            self._failed(reader, self.client.refusal(reader.asked, feed.status, self._bodies[reader]))
        return []

    def _failed(self, reader: Reader, error: MlstackError) -> None:
        self._forget(reader)
        now = time.monotonic()
        if isinstance(error, NotFoundError | InvalidError):
            return reader.refused(now)
        passing = isinstance(error, ClusterError) and not isinstance(error, ForbiddenError | UnauthorizedError)
        if not passing and not (
            isinstance(error, UnauthorizedError) and reader.fails < RENEWALS and self._renewals.renew()
        ):
            raise error
        reader.close()
        reader.retry(now)
        if reader.fails > 1:
            self._trouble.tell(reader, error)
        return None
