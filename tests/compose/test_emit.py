from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose.emit import emit
from mlstack.compose.places import Place
from mlstack.compose.yamltext import load_documents
from mlstack.errors import MlstackError

# Where YAML 1.1, YAML 1.2, JSON and PyYAML part.
TRICKY: list[Any] = [
    *("yes", "no", "on", "off", "y", "n", "true", "True", "null", "Null", "~", "", " ", "NaN", ".nan", ".inf"),
    *("007", "1.10", "1e3", "0x10", "0o17", "1_000", "12:30:45", "2024-01-01", "2024-01-01T00:00:00Z", "=", "<<"),
    *("- a", "a: b", "a #b", "# a", "{a}", "[a", "|", ">", "&a", "*a", "!a", "!!str a", "%a", "@a", "`a", "'", '"'),
    *("\\", "\\n", "a\nb", "a\r\nb", "\ta", "a\t", "a ", " a", "---", "...", "a\n---\nb", "\x00", "\x07", "\x1b"),
    *("\x7f", "\x80", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff", "\ufdd0", "\ufdd1", "\ufffe", "\uffff"),
    *("é", "日本", "\U0001f600", "\U0010ffff", "{{ x }}", "{% x %}", "x" * 3000),
    *(0, 1, -1, 10**30, 0.0, -0.5, 1.0, 1e16, 1e-07, 1e300, 5e-324, 123456789.125, True, False, None),
    *([], {}, [[]], [{}], {"a": {}}, {"": 1}, {"k" * 2000: {"l" * 1500: ["m"]}}, {"yes": 1, "1": 2, "<<": {"a": 1}}),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read_back(text: str) -> list[Any]:
    """By PyYAML as it is, and by our own loader."""
    ours = [value for _, value in load_documents(text, Place("x"))]
    return [yaml.load(text, yaml.CSafeLoader), *ours]


def same(left: Any, right: Any) -> bool:
    """Equal in type, too: 1, 1.0 and true are three values."""
    return repr(left) == repr(right)


@pytest.mark.parametrize("value", TRICKY, ids=lambda value: ascii(value)[:30])
def test_tricky_values_read_back_the_same(value: Any) -> None:
    for text in (emit(value), f"- {emit(value)}\n- b", f"{{a: {emit(value)}, b: 1}}"):
        assert "\n" not in emit(value)
        for found in read_back(text):
            inner = found if text == emit(value) else (found[0] if isinstance(found, list) else found["a"])
            assert same(inner, value)


@given(json_values)
def test_any_json_value_reads_back_the_same(value: Any) -> None:
    assert all(same(found, value) for found in read_back(emit(value)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1e16, "1.0e+16"),
        (1e-07, "1.0e-07"),
        ("a\nb\tc", '"a\\nb\\tc"'),
        ("\x85\U0001f600", '"\\u0085\U0001f600"'),
        ({"a": [1, "1", None]}, '{"a": [1, "1", null]}'),
        (("a",), '["a"]'),
    ],
)
def test_it_writes(value: Any, text: str) -> None:
    assert emit(value) == text


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "nan is no number"),
        (float("-inf"), "-inf is no number"),
        ("\ud83d", "surrogate"),
        ({1: 2}, "key 1 of a map is no text"),
        (object(), "object, which is no text"),
        ({"a": {1, 2}}, "set, which is no text"),
    ],
    ids=lambda value: ascii(value)[:20],
)
def test_what_no_yaml_holds_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(MlstackError, match=reason):
        emit(value)
