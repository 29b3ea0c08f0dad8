"""Answers that come by and by, over sockets that the test writes to."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from mlstack.cluster.feed import Feed
from mlstack.cluster.wire import NoAnswerError, Wire

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[Feed, socket.socket]]:
    near, far = socket.socketpair()
    feed = Feed(Wire(near, near))
    yield feed, far
    feed.close()
    far.close()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_nothing_is_waited_for(pair: tuple[Feed, socket.socket]) -> None:
    feed, far = pair
    assert (feed.take(), feed.status, feed.complete) == (b"", 0, False)
    far.sendall(CHUNKED[:20])
    assert (feed.take(), feed.status) == (b"", 0)
    far.sendall(CHUNKED[20:] + chunk(b"a\n") + chunk(b"b")[:4])
    assert (feed.take(), feed.status) == (b"a\nb", 200)
    far.sendall(chunk(b"b")[4:] + chunk(b""))
    assert (feed.take(), feed.complete) == (b"", True)
    assert feed.take() == b""


@pytest.mark.parametrize(
    ("answer", "body", "status"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", b"ab", 200),
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", b"{}", 404),
        (b"HTTP/1.1 200 OK\r\n\r\nto the end", b"to the end", 200),
    ],
)
def test_whole_answers(pair: tuple[Feed, socket.socket], answer: bytes, body: bytes, status: int) -> None:
    feed, far = pair
    far.sendall(answer)
    far.close()
    assert feed.take() == body
    assert (feed.status, feed.complete) == (status, True)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\n", CHUNKED + chunk(b"a"), b"SSH-2.0-OpenSSH_9\r\n"])
def test_what_breaks_off_gives_what_came_and_then_says_so(pair: tuple[Feed, socket.socket], answer: bytes) -> None:
    feed, far = pair
    far.sendall(answer)
    far.close()
    if answer.startswith(CHUNKED):
        assert feed.take() == b"a"
    with pytest.raises(NoAnswerError):
        feed.take()
    assert not feed.complete


def test_one_does_not_take_the_turn_of_all(pair: tuple[Feed, socket.socket]) -> None:
    feed, far = pair
    data = b"x" * 3_000_000
    writer = threading.Thread(target=far.sendall, args=(CHUNKED + chunk(data) + chunk(b""),))
    writer.start()
    parts = []
    while not feed.complete:
        parts.append(feed.take())
    writer.join()
    assert b"".join(parts) == data
    assert max(map(len, parts)) < 400_000


class Tunnelled:
    """A stream that no selector knows, as TLS inside TLS is one."""

    def __init__(self, inner: socket.socket) -> None:
        self.inner = inner
        self.sendall, self.recv, self.close = inner.sendall, inner.recv, inner.close

    def settimeout(self, seconds: float | None) -> None:
        assert seconds is None, "it cannot be read without waiting"


def test_a_stream_without_a_socket() -> None:
    near, far = socket.socketpair()
    feed = Feed(Wire(Tunnelled(near), near))
    far.sendall(CHUNKED + chunk(b"hello") + chunk(b""))
    said, until = b"", time.monotonic() + 30
    while not feed.complete and time.monotonic() < until:
        said += feed.take()
        time.sleep(0.01)
    feed.close()
    far.close()
    assert said == b"hello"
