from __future__ import annotations

import hashlib
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from ruamel.yaml import YAML

from mlstack.compose import filters
from mlstack.errors import MlstackError

RENDERED = Markup('\ufdd0"a"\ufdd1: 1')


@pytest.mark.parametrize(
    ("value", "text"),
    [("a", "a"), (True, "true"), (1, "1"), (1e16, "1.0e+16"), ([1, "a"], '[1, "a"]'), (RENDERED, '"a": 1'), ("", "")],
)
def test_text(value: Any, text: str) -> None:
    assert filters.text(value) == text
    assert type(filters.text(value)) is str


def test_null_has_no_text() -> None:
    with pytest.raises(MlstackError, match="null has no text"):
        filters.text(None)


def test_join_gives_plain_text_even_of_rendered_parts() -> None:
    found = filters.join(["a", 1, True, RENDERED], "--")
    assert found == 'a--1--true--"a": 1'
    assert type(found) is str


@pytest.mark.parametrize(("value", "text"), [("a", "a"), ({"a": 1}, '{"a": 1}'), (RENDERED, '"a": 1')])
def test_digest_is_the_beginning_of_sha256(value: Any, text: str) -> None:
    assert filters.digest(value) == hashlib.sha256(text.encode()).hexdigest()[:10]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(("a\nb\n\nc", 2), "a\n  b\n\n  c"), (("a\nb", 2, True), "  a\n  b"), (("a\nb",), "a\n    b"), (("", 2), "")],
)
def test_indent(arguments: tuple[Any, ...], text: str) -> None:
    assert filters.indent(*arguments) == text


def test_indent_keeps_rendered_text_rendered() -> None:
    assert isinstance(filters.indent(RENDERED, 2), Markup)
    assert not isinstance(filters.indent("a", 2), Markup)


@pytest.mark.parametrize(
    ("arguments", "value"),
    [((None, 1), 1), ((0, 1), 0), ((0, 1, True), 1), (("", "x", True), "x"), (("a", "x"), "a"), ((None,), "")],
)
def test_default(arguments: tuple[Any, ...], value: Any) -> None:
    assert filters.default(*arguments) == value


def test_merge() -> None:
    assert filters.merged({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}) == {"a": {"c": 2, "d": 3}}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(json_values)
def test_yaml_for_files_reads_back_the_same(value: Any) -> None:
    assert repr(yaml.load(filters.to_yaml(value), yaml.CSafeLoader)) == repr(value)


@pytest.mark.parametrize("text", ["yes", "1e3", "0o17", "1.10", "null", "2024-01-01", "12:30", "true", "y", "=", "~"])
def test_yaml_for_files_means_the_same_in_yaml_1_2(text: str) -> None:
    assert YAML(typ="safe", pure=True).load(filters.to_yaml({"a": text})) == {"a": text}


def test_yaml_reads_like_a_persons() -> None:
    value = {"kind": "A", "tags": ["no", "a/b:1", "1.0", "x y", RENDERED], "run.sh": "one\n  two\n", "on": "a:"}
    assert filters.to_yaml(value) == (
        'kind: A\ntags:\n- "no"\n- a/b:1\n- "1.0"\n- "x y"\n- "\\"a\\": 1"\nrun.sh: |\n  one\n    two\n"on": "a:"\n'
    )


@given(st.lists(st.text(alphabet="a \n\t#-:'\"|", max_size=12), max_size=3))
def test_texts_of_several_lines_read_back_the_same(lines: list[str]) -> None:
    value = {"texts": lines, "deep": {line: line for line in lines}}
    assert yaml.load(filters.to_yaml(value), yaml.CSafeLoader) == value
    assert YAML(typ="safe", pure=True).load(filters.to_yaml(value)) == value


def test_json_is_a_string() -> None:
    assert filters.to_json({"a": [1, None, RENDERED]}) == '{"a": [1, null, "\\"a\\": 1"]}'


@pytest.mark.parametrize("name", ["replace", "upper", "trim", "list", "format", "first", "map"])
def test_filters_that_change_text_refuse_rendered_text(name: str) -> None:
    with pytest.raises(MlstackError, match="cannot be joined, cut or changed"):
        filters.template_filters()[name](RENDERED)


@pytest.mark.parametrize(
    "name",
    ["safe", "escape", "e", "forceescape", "tojson", "xmlattr", "urlize", "striptags", "attr", "random", "pprint"],
)
def test_filters_that_make_markup_or_chance_are_not_there(name: str) -> None:
    assert name not in filters.template_filters()


@pytest.mark.parametrize(
    ("quantity", "number", "product"),
    [
        ("1.1", 6, "6.6"),  # F15: not 6.6000000000000005, which the API server takes for 6601m
        ("0.1", 3, "0.3"),
        ("2", 8, "16"),
        ("1.10", 1, "1.1"),
        (".5", 4, "2"),
        ("100m", 10, "1000m"),
        ("1.5Gi", 3, "4.5Gi"),
        ("1e3", 2, "2e3"),
        ("9007199254740993", 3, "27021597764222979"),
        (2, 3, "6"),
    ],
)
def test_quantities_are_multiplied_exactly(quantity: object, number: int, product: str) -> None:
    assert filters.times(quantity, number) == product


def test_what_is_no_quantity_is_not_multiplied() -> None:
    with pytest.raises(MlstackError, match=r"times takes a quantity such as 500m or 1\.5Gi, got 'many'"):
        filters.times("many", 2)
