from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.formats import FORMATS
from mlstack.compose.schemawords import DESCRIBED, described, shown


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 2**31 - 1}, "an integer >= 0"),
        ({"type": "integer", "minimum": 1, "maximum": 8}, "an integer >= 1 and <= 8"),
        ({"title": "max, or a number", "pattern": "x"}, "max, or a number"),
        ({"enum": ["", "a"]}, 'one of "", a'),
        ({"format": "name"}, "a name of at most 63 lower-case letters, digits and -"),
        ({"format": "name", "maxLength": 9}, "a name of at most 9 lower-case letters, digits and -"),
        ({"anyOf": [{"maxLength": 0}, {"format": "host-port"}]}, "an address such as etcd:2379, or empty"),
        ({"type": "array", "items": {"type": "integer"}, "uniqueItems": True}, "a list, each an integer, none twice"),
        ({"type": "string", "pattern": "^x"}, "text in the form that its description names"),
    ],
)
def test_a_schema_in_words(schema: dict[str, Any], words: str) -> None:
    assert described(schema) == words


def test_every_format_has_words() -> None:
    assert FORMATS.keys() <= DESCRIBED.keys()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("512m", "512m"),
        ("two", "two"),
        ("a/b:c", "a/b:c"),
        ("1", '"1"'),
        ("1e3", '"1e3"'),
        ("", '""'),
        ("a b", '"a b"'),
        ("true", '"true"'),
        (1, "1"),
        (None, "null"),
        ([1], "[1]"),
        ("y " * 100, '"' + "y " * 38 + "..."),
    ],
)
def test_a_value_is_shown_so_that_it_is_not_taken_for_another(value: Any, text: str) -> None:
    assert shown(value) == text
