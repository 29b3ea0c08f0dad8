"""The cheap dataclasses against the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import asdict, field, fields, replace
from functools import cached_property
from typing import Any

import pytest

from mlstack.records import dataclass


@dataclass(frozen=True)
class Ours:
    """A record."""

    name: str
    number: int = 0
    names: list[str] = field(default_factory=list, hash=False)
    hidden: str = field(default="x", repr=False, compare=False)

    @cached_property
    def twice(self) -> str:
        """Kept in the instance."""
        return self.name * 2


@dataclasses.dataclass(frozen=True)
class Theirs:
    """The same by the standard library."""

    name: str
    number: int = 0
    names: list[str] = field(default_factory=list, hash=False)
    hidden: str = field(default="x", repr=False, compare=False)


CASES: list[Callable[[Any], Any]] = [
    lambda make: asdict(make("a")),
    lambda make: asdict(make("a", 1, ["b"], "y")),
    lambda make: asdict(make(number=1, name="a")),
    lambda make: asdict(replace(make("a"), number=2)),
    lambda make: [one.name for one in fields(make)],
    lambda make: make("a") == make("a"),
    lambda make: make("a") == make("b"),
    lambda make: make("a", hidden="1") == make("a", hidden="2"),
    lambda make: make("a") == "a",
    lambda make: hash(make("a")) == hash(make("a", names=["b"])),
    lambda make: len({make("a"), make("a"), make("b")}),
    lambda make: make("a").names is make("a").names,
    lambda make: repr(make("a", 1)).removeprefix(make.__name__),
    lambda make: asdict(copy.deepcopy(make("a", 1))),
    lambda make: asdict(pickle.loads(pickle.dumps(make("a", 1)))),
    lambda make: make.__match_args__,
]


@pytest.mark.parametrize("case", CASES)
def test_as_the_standard_librarys(case: Callable[[Any], Any]) -> None:
    assert case(Ours) == case(Theirs)


REFUSED: list[Callable[[Any], Any]] = [
    lambda make: make(),
    lambda make: make("a", 1, [], "x", "more"),
    lambda make: make("a", name="b"),
    lambda make: make("a", other=1),
    lambda make: make("a", 1, [], "x", other=1),
    lambda make: replace(make("a"), other=1),
    lambda make: setattr(make("a"), "name", "b"),
    lambda make: delattr(make("a"), "name"),
    lambda make: make("a") < make("b"),
]


@pytest.mark.parametrize("case", REFUSED)
def test_refused_as_by_the_standard_library(case: Callable[[Any], Any]) -> None:
    raised = []
    for make in (Ours, Theirs):
        with pytest.raises((TypeError, dataclasses.FrozenInstanceError)) as error:
            case(make)
        raised.append(error.type)
    assert raised[0] is raised[1]


def test_a_value_found_once_is_kept_and_is_no_field() -> None:
    one = Ours("a")
    assert one.twice == "aa"
    assert "twice" in vars(one)
    assert one == Ours("a")


def test_without_fields_and_with_methods_of_its_own() -> None:
    @dataclass(frozen=True)
    class Nothing:
        """Nothing."""

        def __repr__(self) -> str:
            return "nothing"

    assert Nothing() == Nothing()
    assert {Nothing(): 1}[Nothing()] == 1
    assert repr(Nothing()) == "nothing"
