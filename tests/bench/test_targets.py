"""The targets, and what the cells say of them."""

from __future__ import annotations

import pytest

from bench.cells import Setting, Store
from bench.requests import Requests
from bench.targets import BARE, START_UP, Target, targets, targets_table
from tests.bench.making import cell_with


def store(*cells: tuple[Setting, list[tuple[str, str, list[float]]]]) -> Store:
    """A store in memory: for each setting, rows of tool, case and the seconds of its rounds."""
    found = Store(None)
    for setting, rows in cells:
        made = cell_with(setting, *rows)
        found.cell(setting).readings.extend(made.readings)
        found.cell(setting).runs.update(made.runs)
    return found


def measured(what: str, against: str, given: Store) -> tuple[Target, float | None]:
    [target] = [one for one in targets() if one.what == what and one.against.startswith(against)]
    return target, target.measured(given)


SHOW = Setting("show", 10, 0)
AT_0, AT_20 = Setting("configmaps", 500, 0), Setting("configmaps", 500, 20)
FIRST = [
    ("mlstack", "first", [2.0]),
    ("kubectl", "first", [6.0]),
    ("helm", "first", [9.0]),
    ("kapp", "first", [5.0]),
    ("floor", "first", [0.5]),
]


@pytest.mark.parametrize(
    ("what", "against", "cells", "expected", "met"),
    [
        ("first apply, 500 objects, 0 ms", "best peer", (AT_0, FIRST), 2.5, True),
        ("first apply, 500 objects, 20 ms", "best peer", (AT_20, FIRST), 2.5, False),
        ("first apply, 500 objects, 0 ms", "the floor", (AT_0, FIRST), 4.0, False),
        (
            "nothing changed, 500 objects, 0 ms",
            "kubectl and helm",
            (AT_0, [("mlstack", "unchanged", [1.0]), ("kubectl", "unchanged", [3.0]), ("helm", "unchanged", [9.0])]),
            3.0,
            True,
        ),
        (
            "diff, nothing changed, 500 objects, 0 ms",
            "kubectl",
            (AT_0, [("mlstack", "diff", [1.0]), ("kubectl", "diff", [7.0]), ("kapp", "diff", [1.0])]),
            7.0,
            False,
        ),
        (
            "5 of 500 objects changed, 20 ms",
            "nothing changed",
            (AT_20, [("mlstack", "unchanged", [1.0, 2.0, 3.0]), ("mlstack", "changed", [1.0, 3.0, 4.0])]),
            1.5,
            True,
        ),
        ("peak memory, 500 objects", "MB", (AT_0, FIRST), 42.0, True),
        ("show, 10 objects", "helm", (SHOW, [("mlstack", "show", [3.0]), ("helm", "show", [2.0])]), 1.5, False),
        ("mlstack --help", "", (START_UP, [(BARE, "start", [1.0]), ("mlstack --help", "start", [5.0])]), 5.0, True),
    ],
)  # fmt: skip
def test_measured(
    what: str,
    against: str,
    cells: tuple[Setting, list[tuple[str, str, list[float]]]],
    expected: float,
    met: bool,
) -> None:
    target, value = measured(what, against, store(cells))
    assert value == expected
    assert target.met(value) == met


def test_growth_is_by_object() -> None:
    given = store(
        (AT_0, [("mlstack", "first", [1.0])]), (Setting("configmaps", 5000, 0), [("mlstack", "first", [15.0])])
    )
    target, value = measured("growth: first apply, 5,000 objects", "", given)
    assert value == pytest.approx(1.5)
    assert not target.met(1.5)


def test_requests_are_the_most_of_a_round() -> None:
    given = store((AT_0, [("mlstack", "first", [1.0, 1.0]), ("mlstack", "unchanged", [1.0])]))
    assert measured("first apply, 500 objects, 0 ms", "requests", given)[1] == 503
    assert measured("nothing changed, 500 objects, 0 ms", "writes", given)[1] == 500
    assert Requests(3, 500) == given.cell(AT_0).readings[0].requests


def test_memory_at_many_objects_is_beside_helm() -> None:
    many = Setting("configmaps", 5000, 0)
    _, value = measured(
        "peak memory, 5,000 objects", "", store((many, [("mlstack", "first", [20.0]), ("helm", "first", [80.0])]))
    )
    assert value == 0.5


def test_the_table_says_what_is_missing() -> None:
    assert all(target.measured(Store(None)) is None for target in targets())
    text = targets_table(store((AT_0, FIRST)))
    count = len(list(targets()))
    assert text.startswith(f"3 of 4 measured targets are met; {count - 4} are not measured yet.\n")
    rows = [[part.strip() for part in line.strip("|").split("|")] for line in text.splitlines()[4:]]
    assert rows[0] == ["first apply, 500 objects, 0 ms", "best peer, times as fast", "≥ 2×", "2.5×", "yes"]
    assert rows[1][3:] == ["not yet", ""]
    assert rows[3][3:] == ["4.0×", "**no**"]
    assert next(row[2] for row in rows if row[1] == "kapp, times as fast") == "≥ 1.3× (aim 2×)"


def test_no_two_targets_are_the_same() -> None:
    names = [(target.what, target.against) for target in targets()]
    assert len(set(names)) == len(names)
