from __future__ import annotations

import random

import pytest

from mlstack.actions.loglines import CUT, LIMIT_BYTES, Lines, Seen, parted


@pytest.mark.parametrize(
    ("parts", "whole", "last"),
    [
        ([], [], []),
        ([b"a\nb\n"], [b"a", b"b"], []),
        ([b"a", b"b\nc"], [b"ab"], [b"c"]),
        ([b"\xc3", b"\xa9\n", b"\xff\n"], [b"\xc3\xa9", b"\xff"], []),
        ([b"a\n\nb\n"], [b"a", b"", b"b"], []),
        ([b"a\x0bb\x1c\xe2\x80\xa8c\r\n"], [b"a\x0bb\x1c\xe2\x80\xa8c\r"], []),  # none of these ends a line
    ],
)
def test_lines_that_come_in_parts(parts: list[bytes], whole: list[bytes], last: list[bytes]) -> None:
    lines = Lines()
    assert [line for part in parts for line in lines.add(part)] == whole
    assert lines.end() == last
    assert lines.end() == []


def test_a_line_of_any_length_takes_a_bounded_place() -> None:
    lines, told, held = Lines(), list[bytes](), 0
    for part in [b"x" * 100_000] * 100 + [b"tail\nnext\n"]:
        told += lines.add(part)
        held = max(held, len(lines._rest))
    assert told == [b"x" * LIMIT_BYTES + CUT, b"next"]
    assert held <= LIMIT_BYTES


@pytest.mark.parametrize(
    ("line", "time", "text"),
    [
        (b"2026-11-23T07:18:31.5Z a b", b"2026-11-23T07:18:31.5Z", b"a b"),
        (b"2026-11-23T07:18:31.5+02:00 ", b"2026-11-23T07:18:31.5+02:00", b""),
        (b"2026 was a good year", b"", b"2026 was a good year"),
        (b"failed to open it", b"", b"failed to open it"),
        (b"", b"", b""),
    ],
)
def test_the_time_before_a_line(line: bytes, time: bytes, text: bytes) -> None:
    assert parted(line) == (time, text)


def line(second: float, text: str = "x") -> bytes:
    minutes, rest = divmod(second, 60)
    return f"2026-11-23T07:{int(minutes):02}:{rest:09.6f}Z {text}".encode()


def new(seen: Seen, lines: list[bytes]) -> list[bytes]:
    return [one for one in lines if seen.is_new(one, parted(one)[0])]


@pytest.mark.parametrize(
    ("time", "since"),
    [
        (b"2026-11-23T07:18:31.123456789Z", "2026-11-23T07:18:30Z"),
        (b"2026-11-23T00:00:00Z", "2026-11-22T23:59:59Z"),
        (b"2026-11-23T07:18:31.5+02:00", "2026-11-23T07:18:30+02:00"),
        (b"2026-11-23T07:18:31-11:30", "2026-11-23T07:18:30-11:30"),
    ],
)
def test_from_when_on_to_ask_again(time: bytes, since: str) -> None:
    seen = Seen()
    assert seen.since() == ""
    assert seen.is_new(time + b" x", time)
    assert seen.since() == since


def test_what_was_told_is_not_told_again() -> None:
    """A log broken off anywhere, and asked for again as often as one likes, is told once and whole."""
    chance = random.Random(7)
    log = [line(second / 10 + chance.choice((0, 0, 0.3)), chance.choice("ab")) for second in range(300)]
    for _ in range(50):
        seen, told, at = Seen(), list[bytes](), 0
        while at < len(log):
            at = min(len(log), at + chance.randrange(1, 60))
            since = seen.since()
            seen.repeat()
            told += new(seen, [one for one in log[:at] if one[:19].decode() >= since[:19]])
        assert told == log


def test_equal_lines_are_lines_all_the_same() -> None:
    seen = Seen()
    assert new(seen, [line(1)] * 3) == [line(1)] * 3
    seen.repeat()
    assert new(seen, [line(1)] * 4) == [line(1)]


def test_what_was_not_asked_for_at_first_is_not_told_after_a_break() -> None:
    seen = Seen()
    assert new(seen, [line(9.5, "tail")]) == [line(9.5, "tail")]
    seen.repeat()
    assert new(seen, [line(9.1, "before"), line(9.5, "tail"), line(9.6)]) == [line(9.6)]


def test_a_clock_that_was_set_back_loses_nothing() -> None:
    seen = Seen()
    log = [line(100), line(101), line(40), line(41)]
    assert new(seen, log) == log
    assert seen.since().startswith("2026-11-23T07:00:40")
