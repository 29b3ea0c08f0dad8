"""Proof that each value of a render stands alone: as one whole scalar, list or map of the YAML text.

While a template renders, each value it writes stands between two characters that no value holds (emit escapes
them). A value inside quotes or in the midst of other text would be read as something else, or worse.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml

_OPEN, _CLOSE = "\ufdd0", "\ufdd1"
_MARK = re.compile(f"[{_OPEN}{_CLOSE}]")

Span = tuple[int, int]


def marked(written: str) -> str:
    """`written` with the marks around it."""
    return f"{_OPEN}{written}{_CLOSE}"


def without_marks(text: str) -> str:
    """`text` as a plain string without marks."""
    return _MARK.sub("", str(text))


def spans(text: str) -> list[Span]:
    """(start, end) in `without_marks(text)` of each value written, in order."""
    found: list[Span] = []
    start = 0
    for count, mark in enumerate(_MARK.finditer(text)):
        if mark.group() == _OPEN:
            start = mark.start() - count
        else:
            found.append((start, mark.start() - count))
    return found


def misplaced(text: str, values: list[Span]) -> Span | None:
    """The first of `values` that is not exactly one node of the YAML `text`; in comments anything may stand.

    Raises yaml.YAMLError for broken YAML.
    """
    if not values:
        return None
    whole: set[Span] = set()
    scalars: list[Span] = []
    for span, is_scalar in _nodes(text):
        whole.add(span)
        if is_scalar:
            scalars.append(span)
    strange = [value for value in values if value not in whole]
    return next((value for value in strange if any(_overlap(value, scalar) for scalar in scalars)), None)


def _nodes(text: str) -> Iterator[tuple[Span, bool]]:
    """((start, end), whether it is a scalar) of each node."""
    starts: list[int] = []
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        start: Any = event.start_mark  # the stubs allow None, the parser never gives it
        end: Any = event.end_mark
        if isinstance(event, yaml.ScalarEvent):  # most events are: first
            yield (start.index, end.index), True
        elif isinstance(event, yaml.CollectionStartEvent):
            starts.append(start.index)
        elif isinstance(event, yaml.CollectionEndEvent):
            yield (starts.pop(), end.index), False


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]
