from __future__ import annotations

import pytest

from mlstack.actions.loglines import CUT, LIMIT_BYTES, Lines, parted


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
