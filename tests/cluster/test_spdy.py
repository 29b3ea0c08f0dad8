"""SPDY's frames: what is written, read by a reader of the tests' own, and what is read, wherever it is cut."""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.cluster.spdy import Ended, Leaving, Opened, Over, Part, ProtocolError, Spdy, dictionary


def frames(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """The frames in what was written: the first word, the flags, the body."""
    while data:
        word, length = struct.unpack_from(">II", data)
        size = length & 0xFFFFFF
        yield word, length >> 24, data[8 : 8 + size]
        assert len(data) >= 8 + size
        data = data[8 + size :]


def control(kind: int, body: bytes, flags: int = 0) -> bytes:
    """A control frame."""
    return struct.pack(">II", 0x80030000 | kind, flags << 24 | len(body)) + body


def payload(stream: int, body: bytes, *, fin: bool = False) -> bytes:
    """A data frame."""
    return struct.pack(">II", stream, int(fin) << 24 | len(body)) + body


def reply(stream: int) -> bytes:
    """What accepts a stream: its header block is not read."""
    return control(2, struct.pack(">I", stream) + b"anything")


def reset(stream: int) -> bytes:
    """What throws a stream away."""
    return control(3, struct.pack(">II", stream, 5))


def test_the_dictionary_is_that_of_the_draft() -> None:
    # Its length and checksum are what zlib streams of SPDY/3 carry: FDICT 0xe3c6a7c2.
    assert len(dictionary()) == 1423
    assert zlib.adler32(dictionary()) == 0xE3C6A7C2
    digest = "51d27341373f923f3cd88e1eb7162aeaa3723d7585ff2399201dc06498407f02"
    assert hashlib.sha256(dictionary()).hexdigest() == digest


def test_a_connection_is_a_pair_of_streams() -> None:
    spdy = Spdy()
    unpack = zlib.decompressobj(zdict=dictionary())
    for count, port in enumerate((8000, 9000, 8000)):
        number, sent = spdy.open(port)
        assert number == 4 * count + 3
        told = []
        for word, flags, body in frames(sent):
            assert word == 0x80030001
            stream, parent, priority, slot = struct.unpack_from(">IIBB", body)
            assert (parent, priority, slot) == (0, 0, 0)
            told.append((stream, flags, headers(unpack.decompress(body[10:]))))
        expected = {"port": str(port), "requestid": str(number)}
        assert told == [
            (number - 2, 1, {**expected, "streamtype": "error"}),
            (number, 0, {**expected, "streamtype": "data"}),
        ]


def headers(block: bytes) -> dict[str, str]:
    """A header block, unpacked."""
    words: list[str] = []
    count, at = struct.unpack_from(">I", block)[0], 4
    while at < len(block):
        size = struct.unpack_from(">I", block, at)[0]
        words.append(block[at + 4 : at + 4 + size].decode())
        at += 4 + size
    assert len(words) == 2 * count
    return dict(zip(words[::2], words[1::2], strict=True))


def test_what_else_is_written() -> None:
    spdy = Spdy()
    number, _ = spdy.open(1)
    assert list(frames(spdy.data(number, b"ab"))) == [(number, 0, b"ab")]
    assert list(frames(spdy.end(number))) == [(number, 1, b"")]
    assert list(frames(spdy.reset(number))) == [(0x80030003, 0, struct.pack(">II", number, 5))]
    asked = [next(frames(spdy.ping()))[2] for _ in range(2)]
    assert all(int.from_bytes(one, "big") % 2 for one in asked)
    assert asked[0] != asked[1]


EVENTS = [
    (lambda: reply(1), []),
    (lambda: reply(3), [Opened(3)]),
    (lambda: payload(3, b"abc"), [b"abc"]),
    (lambda: payload(3, b""), []),
    (lambda: payload(3, b"abc", fin=True), [b"abc", Ended(3)]),
    (lambda: payload(3, b"", fin=True), [Ended(3)]),
    (lambda: reset(3), [Ended(3)]),
    (lambda: payload(1, b"no such port"), []),
    (lambda: payload(1, b"no such port") + reset(1), [Over(3, "no such port")]),
    (lambda: payload(1, b"", fin=True), [Over(3, "")]),
    (lambda: reset(1), [Over(3, "")]),
    (lambda: control(7, struct.pack(">II", 0, 0)), [Leaving()]),
    (lambda: control(6, struct.pack(">I", 1)), []),
    (lambda: control(4, struct.pack(">III", 1, 4, 65536)), []),
    (lambda: control(9, struct.pack(">II", 3, 65536)), []),
    (lambda: control(8, struct.pack(">I", 3) + b"headers"), []),
]


@pytest.mark.parametrize(("sent", "expected"), EVENTS)
def test_what_is_read(sent: object, expected: list[object]) -> None:
    assert callable(sent)
    spdy = Spdy()
    spdy.open(8000)
    assert plain(spdy.feed(sent())) == expected


def plain(events: list[object] | list[Opened | Part | Ended | Over | Leaving]) -> list[object]:
    """Events, with bytes for parts."""
    return [bytes(event.data) if isinstance(event, Part) else event for event in events]


@given(st.data())
def test_wherever_it_is_cut(data: st.DataObject) -> None:
    bodies = st.lists(st.tuples(st.sampled_from([3, 7]), st.binary(max_size=40)), max_size=8)
    parts = data.draw(bodies)
    wire = reply(3) + reply(7) + b"".join(payload(stream, body) for stream, body in parts)
    wire += payload(3, b"end", fin=True) + payload(5, b"bro") + payload(5, b"ken") + reset(5)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=12)))
    spdy = Spdy()
    spdy.open(1)
    spdy.open(1)
    got: dict[int, bytes] = {3: b"", 7: b""}
    others: list[object] = []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        for event in spdy.feed(wire[start:end]):
            if isinstance(event, Part):
                got[event.connection] += event.data
            else:
                others.append(event)
    assert got[3] == b"".join(body for stream, body in parts if stream == 3) + b"end"
    assert got[7] == b"".join(body for stream, body in parts if stream == 7)
    assert others == [Opened(3), Opened(7), Ended(3), Over(7, "broken")]


@pytest.mark.parametrize(
    "sent",
    [b"HTTP/1.1 200 OK\r\n\r\n".replace(b"H", b"\xc8"), struct.pack(">II", 0x80030002, 1 << 20), control(3, b"\0")],
)
def test_what_is_not_the_protocol(sent: bytes) -> None:
    with pytest.raises(ProtocolError):
        Spdy().feed(sent)


def test_an_error_without_end_is_cut() -> None:
    spdy = Spdy()
    spdy.open(1)
    for _ in range(10):
        spdy.feed(payload(1, b"x" * (1 << 14)))
    [over] = spdy.feed(reset(1))
    assert isinstance(over, Over)
    assert len(over.error) == 1 << 14
