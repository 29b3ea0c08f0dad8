"""A log that breaks off anywhere is told once and whole, whatever the clocks do."""

from __future__ import annotations

import random

import pytest

from mlstack.actions import logposition
from mlstack.actions.logposition import Position


def line(second: float, text: str = "x") -> bytes:
    minutes, rest = divmod(second, 60)
    return f"2026-11-23T07:{int(minutes):02}:{rest:012.9f}Z {text}".encode()


def read(position: Position, log: list[bytes], until: int) -> list[bytes]:
    """What one request after the other brings, until one of them reaches `until`."""
    told: list[bytes] = []
    while True:
        tail = position.search()
        told += position.take(log[:until][-tail:] if tail else log[:until])
        if not position.missed:
            return told


def begun(log: list[bytes]) -> Position:
    position = Position()
    position.begin(whole=True)
    assert position.take(log) == log
    return position


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_clock_does(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps back and forth, lines that are equal, breaks after any line, more lines in between than are asked for."""
    monkeypatch.setattr(logposition, "FIRST_TAIL", 20)
    monkeypatch.setattr(logposition, "WIDER", 3)
    monkeypatch.setattr(logposition, "WIDEST", 100)
    chance, second, log = random.Random(seed), 900.0, list[bytes]()
    for _ in range(600):
        second += chance.choice(
            (0, 0.1, 0.5, -25 if chance.random() < 0.05 else 0.2, 30 if chance.random() < 0.02 else 0)
        )
        log.append(line(second, chance.choice("abc")))
    at = chance.randrange(1, 20)
    position, told = begun(log[:at]), log[:at]
    while at < len(log):
        at = min(len(log), at + chance.choice((0, 1, 5, 60, 300)))
        told += read(position, log, at)
    assert told == log


def test_the_clock_steps_back_while_the_stream_is_broken() -> None:
    """F9: the lines that were written then are older than the last one that was told."""
    before, after = [line(100 + n) for n in range(10)], [line(75 + n) for n in range(40)]
    position = begun(before)
    assert read(position, before + after, 50) == after


def test_equal_lines_are_lines_all_the_same() -> None:
    position = begun([line(1)] * 3)
    assert read(position, [line(1)] * 4, 4) == [line(1)]


def test_what_was_not_asked_for_at_first_is_not_told_after_a_break() -> None:
    position = Position()
    position.begin(whole=False)  # --tail 1
    log = [line(9.1, "before"), line(9.5, "tail"), line(9.6)]
    assert position.take(log[1:2]) == log[1:2]
    assert read(position, log, 3) == log[2:]


def test_a_file_that_was_rotated_away_costs_no_line_of_the_new_one(monkeypatch: pytest.MonkeyPatch) -> None:
    position = begun([line(1), line(2)])
    fresh = [line(3 + n) for n in range(5)]
    assert read(position, fresh, 5) == []
    assert position.holds
    assert position.settle() == fresh
    monkeypatch.setattr(logposition, "FIRST_TAIL", 3)  # so long a file that its end is asked for first
    newer = [line(20 + n) for n in range(40)]
    told = read(position, newer, 40)
    assert told + position.settle() == newer


def test_a_file_that_was_rotated_while_it_was_followed() -> None:
    old, fresh = [line(n) for n in range(9)], [line(20 + n) for n in range(5)]
    position = begun([*old, *fresh[:3]])
    assert read(position, fresh, 5) == []
    assert position.settle() == fresh[3:]


def test_a_new_life_has_a_new_file_or_the_same_one() -> None:
    log = [line(n) for n in range(5)]
    position = begun(log[:3])
    assert position.search(other_file=True) is None
    assert position.take(log) == log[3:]  # simulated: one file for all lives
    assert position.search(other_file=True) is None
    fresh = [line(2.5, "again"), line(2.6, "and")]  # a clock that was set back
    assert position.take(fresh) == fresh
    assert position.search() == logposition.FIRST_TAIL  # the end of the life before is asked for late
    assert position.take([*log, line(9, "crash")]) == [line(9, "crash")]


def test_a_file_of_any_size_is_held_back_in_a_bounded_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logposition, "BUFFER_BYTES", 100)
    position = begun([line(1)])
    lines = [line(2 + n) for n in range(9)]
    position.search()
    assert position.take(lines) == lines
