from __future__ import annotations

from typing import Any

import pytest
import yaml

from mlstack.compose.dump import dump, dump_documents

SHARED: list[Any] = [1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": "word", "b": 1}, "a: word\nb: 1\n"),
        ({"a": "on", "b": "1", "c": "", "d": "12:30", "e": "1e3"}, 'a: "on"\nb: "1"\nc: ""\nd: "12:30"\ne: "1e3"\n'),
        ({"a": "two\nlines\n"}, "a: |\n  two\n  lines\n"),
        ({"a": [], "b": {}, "c": None, "d": True}, "a: []\nb: {}\nc: null\nd: true\n"),
        ({"a": SHARED, "b": SHARED}, "a:\n- 1\nb:\n- 1\n"),
    ],
)
def test_one_value(value: Any, text: str) -> None:
    assert dump(value) == text
    assert yaml.safe_load(text) == value


def test_documents() -> None:
    assert dump_documents([{"a": 1}, {"b": "é"}]) == '---\na: 1\n---\nb: "é"\n'
    assert dump_documents([]) == ""
