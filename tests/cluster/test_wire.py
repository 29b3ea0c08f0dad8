"""HTTP/1.1 by what a server of our own sends, byte by byte."""

from __future__ import annotations

import gzip
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlstack.cluster import wire as module
from mlstack.cluster.wire import AnswerTimeoutError, NoAnswerError, Wire

OK = b"HTTP/1.1 200 OK\r\n"
PACKED = gzip.compress(b"long" * 1000)


@contextmanager
def answered(*parts: bytes, close: bool = True) -> Iterator[Wire]:
    """A wire on which these parts come, one after another."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        theirs.recv(1 << 16)
        for part in parts:
            theirs.sendall(part)
        if close:
            theirs.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with ours, theirs:
        yield Wire(ours, ours)
        thread.join()


def each_byte(whole: bytes) -> list[bytes]:
    """As a slow network has it."""
    return [whole[at : at + 1] for at in range(len(whole))]


@pytest.mark.parametrize(
    ("sent", "body", "keeps"),
    [
        (OK + b"Content-Length: 5\r\n\r\nhello", b"hello", True),
        (OK + b"content-length:0\r\n\r\n", b"", True),
        (OK + b"Content-Length: 5\r\nConnection: Close\r\n\r\nhello", b"hello", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", b"hello", False),
        (OK + b"\r\nuntil the end", b"until the end", False),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=1\r\nlo\r\n0\r\n\r\n", b"hello", True),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nTrailer: 1\r\n\r\n", b"hello", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(PACKED) + PACKED, b"long" * 1000, True),
    ],
)
def test_bodies(sent: bytes, body: bytes, keeps: bool) -> None:
    for parts in ([sent], each_byte(sent)):
        with answered(*parts) as wire:
            answer = wire.ask(b"GET / HTTP/1.1\r\n\r\n", 5)
            assert (answer.read(), answer.data, answer.keeps) == (body, body, keeps)


def test_one_answer_after_another() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, ours)
        theirs.sendall(OK + b"Content-Length: 1\r\n\r\na")
        assert wire.ask(b"GET", 5).read() == b"a"
        theirs.sendall(b"HTTP/1.1 404 Not Found\r\nRetry-After:  7 \r\nContent-Length: 1\r\n\r\nb")
        second = wire.ask(b"GET", 5)
        assert (second.status, second.headers["retry-after"], second.read()) == (404, "7", b"b")


def test_an_answer_that_nobody_asked_for() -> None:
    one = OK + b"Content-Length: 1\r\n\r\na"
    with answered(one + one) as wire, pytest.raises(NoAnswerError, match="does not speak HTTP"):
        wire.ask(b"GET", 5)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", "closed before the answer was complete"),
        (OK, "closed before"),
        (OK + b"Content-Length: 9\r\n\r\nhello", "closed before"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n9\r\nhello", "closed before"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "closed before"),
        (OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "does not speak HTTP"),
        (OK + b"Content-Length: many\r\n\r\n", "does not speak HTTP"),
        (OK + b"Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello", "damaged"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP"),
        (b"HTTP/1.1 OK\r\n\r\n", "does not speak HTTP"),
    ],
)
def test_what_is_no_whole_answer(sent: bytes, said: str) -> None:
    with answered(sent) as wire, pytest.raises(NoAnswerError, match=said):
        wire.ask(b"GET", 5).read()


def test_headers_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HEAD_BYTES", 100)
    with answered(OK + b"X: " + b"y" * 200) as wire, pytest.raises(NoAnswerError, match="does not speak HTTP"):
        wire.ask(b"GET", 5)


def test_silence_is_told_from_an_end() -> None:
    with answered(OK, close=False) as wire, pytest.raises(AnswerTimeoutError):
        wire.ask(b"GET", 0.05)


def test_parts_come_as_they_are_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(OK + b"Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n")
        parts = Wire(ours, ours).ask(b"GET", 5).parts()
        assert next(parts) == b"hel"  # though there is no more yet
        theirs.sendall(b"2\r\nlo\r\n0\r\n\r\n")
        assert list(parts) == [b"lo"]


def test_a_server_that_answers_before_it_has_read_all() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
        theirs.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig")
        theirs.shutdown(socket.SHUT_WR)
        theirs.shutdown(socket.SHUT_RD)
        ours.settimeout(5)
        with ours, theirs:
            answer = Wire(ours, ours).ask(b"x" * 10, 5)
            assert (answer.status, answer.read()) == (413, b"big")


def test_shutdown_ends_a_thread_that_waits() -> None:
    ours, theirs = socket.socketpair()
    ended: list[Exception] = []

    def wait(answer: module.Answer) -> None:
        try:
            answer.read()
        except NoAnswerError as error:
            ended.append(error)

    with ours, theirs:
        theirs.sendall(OK + b"Content-Length: 5\r\n\r\n")
        answer = Wire(ours, ours).ask(b"GET", None)
        thread = threading.Thread(target=wait, args=(answer,), daemon=True)
        thread.start()
        answer.shutdown()
        thread.join(5)
        assert ended


@pytest.mark.parametrize("closed", [True, False])
def test_an_idle_connection_is_looked_at_before_it_is_used_again(closed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_FRESH_SECONDS", -1)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wire = Wire(ours, ours)
        if closed:
            theirs.shutdown(socket.SHUT_RDWR)
        assert wire.alive() is not closed
    assert not wire.alive()
