"""What many logs at once do about answers that no real server gives when asked to."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest

from mlstack.actions import follower, logreader
from mlstack.actions.events import LogLine
from mlstack.actions.follower import Follower
from mlstack.actions.mirror import Listed, Told
from mlstack.cluster.failures import ClusterError, ForbiddenError, UnauthorizedError, UnreachableError
from mlstack.cluster.feed import Feed
from mlstack.cluster.request import Request
from mlstack.cluster.wire import Wire

COUNT = 20


def pod(index: int) -> dict[str, Any]:
    labels = {"training.kubeflow.org/replica-type": "worker", "training.kubeflow.org/replica-index": str(index)}
    metadata = {"name": f"w-{index}", "namespace": "n", "uid": f"u{index}", "labels": labels}
    return {
        "metadata": metadata,
        "spec": {"containers": [{"name": "main"}]},
        "status": {"containerStatuses": [{"name": "main", "state": {"running": {"startedAt": "T"}}}]},
    }


def answer(status: int, body: bytes) -> bytes:
    return b"HTTP/1.1 %d X\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)


class Client:
    """Answers each pod's requests from a list of its own: an error, or the bytes of an answer; the last one stays."""

    def __init__(self, *answers: bytes | ClusterError) -> None:
        self.answers = answers
        self.asked: dict[str, int] = {}
        self.renewals = 0
        self.far: list[socket.socket] = []

    def begin(self, request: Request) -> Feed:
        name = request.place[2]
        turn = self.asked[name] = self.asked.get(name, 0) + 1
        said = self.answers[min(turn, len(self.answers)) - 1]
        if isinstance(said, ClusterError):
            raise said
        near, far = socket.socketpair()
        self.far.append(far)  # kept: else the connection would break off
        far.sendall(said)
        return Feed(Wire(near, near))

    def refusal(self, request: Request, status: int, body: bytes) -> ClusterError:
        kinds = {401: UnauthorizedError, 403: ForbiddenError}
        return kinds.get(status, ClusterError)(body.decode(), status=status)

    def renew(self) -> bool:
        self.renewals += 1
        return True


class Run:
    """A follower of COUNT pods over a client, until so many lines are told."""

    def __init__(
        self,
        client: Client,
        lines: int,
        monkeypatch: pytest.MonkeyPatch,
        count: int = COUNT,
        several: bool = False,
        silence: float = 0.0,
    ) -> None:
        self.lines: list[LogLine] = []
        self.notices: list[str] = []
        self.wanted, self.over = lines, threading.Event()

        def mirror(_client: Any, _resource: Any, _namespace: str, tell: Any, **_: Any) -> Any:
            told: Told = Listed(tuple(pod(index) for index in range(count)))
            tell(told)
            return type("Mirror", (), {"stop": lambda self: None})()

        monkeypatch.setattr(follower, "Mirror", mirror)
        monkeypatch.setattr("mlstack.cluster.objects.list_objects", self.no_list)
        monkeypatch.setattr(follower, "LAST_WORDS_SECONDS", silence)
        follows = Follower(client, self.hear, self.notices.append, several=several)  # type: ignore[arg-type]
        follows.follow(["n"], "")
        limit = threading.Timer(60, self.over.set)
        limit.start()
        try:
            follows.run(self.over)
        finally:
            limit.cancel()

    @staticmethod
    def no_list(*_: Any, **__: Any) -> None:
        raise UnreachableError("away")

    def hear(self, lines: Any) -> None:
        self.lines += lines
        if len(self.lines) >= self.wanted:
            self.over.set()


class Talker(Client):
    """A container that goes on talking for ever; a request that does not follow gets what was said until then."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes] = []
        self.queries: list[Any] = []
        self.over = threading.Event()

    def begin(self, request: Request) -> Feed:
        self.queries.append(request.query)
        near, far = socket.socketpair()
        self.far.append(far)
        if "follow" in request.query:
            far.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            threading.Thread(target=self.talk, args=(far,), daemon=True).start()
        else:
            far.sendall(answer(200, b"".join(self.said)))
        return Feed(Wire(near, near))

    def talk(self, far: socket.socket) -> None:
        with suppress(OSError):  # nobody listens any more
            while not self.over.wait(0.02):
                self.said.append(b"2026-11-23T07:00:01.%09dZ still here\n" % len(self.said))
                far.sendall(b"%x\r\n%s\r\n" % (len(self.said[-1]), self.said[-1]))


GOOD = answer(200, b"2026-11-23T07:00:01Z hello \xff\n")


def test_an_outage_is_told_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(Client(*[UnreachableError("It does not answer.")] * 3, GOOD), COUNT, monkeypatch)
    assert {line.title for line in run.lines} == {f"worker-{index}" for index in range(COUNT)}
    assert {line.line for line in run.lines} == {"hello \ufffd"}
    assert run.notices[0] == "It does not answer. The logs go on when it answers."
    assert set(run.notices[1:]) <= {"The logs go on."}


def test_it_ends_with_its_run_though_a_container_goes_on_talking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logreader, "TALKING_SECONDS", 0.2)
    client = Talker()
    run = Run(client, 5, monkeypatch, count=1, silence=60.0)  # the run ends with the fifth line
    client.over.set()
    assert ["follow" in query for query in client.queries] == [True, False]
    assert len(run.lines) > 5
    assert [line.time.partition(".")[2] for line in run.lines] == [f"{n:09}Z" for n in range(len(run.lines))]


@pytest.mark.parametrize("several", [False, True])
def test_the_first_of_several_is_told_apart_before_the_others_are_seen(
    several: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run(Client(GOOD), 1, monkeypatch, count=1, several=several)
    assert [line.several for line in run.lines] == [several]


def test_a_short_break_is_not_worth_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Run(Client(UnreachableError("away"), GOOD), COUNT, monkeypatch).notices == []


def test_a_token_that_ran_out_is_renewed_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client(answer(401, b"Unauthorized"), GOOD)
    assert len(Run(client, COUNT, monkeypatch).lines) == COUNT
    assert client.renewals == 1


@pytest.mark.parametrize(("status", "kind"), [(403, ForbiddenError), (401, UnauthorizedError)])
def test_what_does_not_mend_ends_it(status: int, kind: type[ClusterError], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(kind, match="no way"):
        Run(Client(answer(status, b"no way")), COUNT, monkeypatch)


def test_a_kubelet_that_does_not_answer_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(Client(answer(500, b"dial tcp: connection refused"), GOOD), COUNT, monkeypatch)
    assert len(run.lines) == COUNT


def test_who_has_not_started_yet_counts_from_the_first_line_on(monkeypatch: pytest.MonkeyPatch) -> None:
    late = pod(1)
    late["status"] = {}
    monkeypatch.setattr(f"{__name__}.pod", lambda index, made=pod: late if index else made(0))
    (first, *_) = Run(Client(GOOD), 1, monkeypatch, count=2).lines
    assert (first.title, first.several) == ("worker-0", True)


def test_what_is_over_at_the_start_is_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly: only silence ends it."""
    lines: list[LogLine] = []
    monkeypatch.setattr(follower, "Mirror", lambda *_, **__: SimpleNamespace(stop=lambda: None))
    found = SimpleNamespace(items=[pod(index) for index in range(COUNT)])
    monkeypatch.setattr("mlstack.cluster.objects.list_objects", lambda *_, **__: found)
    follows = Follower(Client(GOOD), lines.extend, pytest.fail)  # type: ignore[arg-type]
    follows.follow(["n"], "")
    over = threading.Event()
    over.set()
    follows.run(over)
    assert {line.title for line in lines} == {f"worker-{index}" for index in range(COUNT)}
    assert len(lines) == COUNT
    assert follows.seen
