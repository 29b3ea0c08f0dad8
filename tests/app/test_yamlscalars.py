from __future__ import annotations

import math
from io import StringIO
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from mlstack.app.yamlscalars import read_scalar, write_block, write_flow, write_scalar
from mlstack.app.yamltree import parse
from mlstack.errors import MlstackError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
TREES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("nULL", "nULL"),
        ("true", True),
        ("False", False),
        ("yes", "yes"),
        ("on", "on"),
        ("1", 1),
        ("-7", -7),
        ("007", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        ("1.10", 1.1),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-.inf", -math.inf),
        ("0.1.0", "0.1.0"),
        ("gs://models", "gs://models"),
        ("9" * 401, "9" * 401),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(text: str, value: Any) -> None:
    found = read_scalar(text)
    assert (found, type(found)) == (value, type(value))


def test_nan_is_read() -> None:
    assert math.isnan(read_scalar(".nan"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (1, "1"),
        (1.0, "1.0"),
        (1e16, "1.0e+16"),
        (1e-07, "1.0e-07"),
        ("gs://models/x", "gs://models/x"),
        ("nginx:1.27", "nginx:1.27"),
        ("two words", "two words"),
        ("0.1.0", "0.1.0"),
        ("yes", '"yes"'),
        ("No", '"No"'),
        ("y", '"y"'),
        ("1.10", '"1.10"'),
        ("007", '"007"'),
        ("1_000", '"1_000"'),
        ("12:30", '"12:30"'),
        ("2001-01-01", '"2001-01-01"'),
        ("null", '"null"'),
        ("", '""'),
        ("~", '"~"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("a\nb", '"a\\nb"'),
        ("ünï", '"ünï"'),
        ("*a", '"*a"'),
        ("a,b", '"a,b"'),
        ("trailing ", '"trailing "'),
    ],
)
def test_what_another_reader_could_mistake_is_quoted(value: Any, text: str) -> None:
    assert write_scalar(value) == text


@pytest.mark.parametrize(("quote", "text"), [("'", "'it''s'"), ('"', '"it\'s"'), ("", '"it\'s"')])
def test_a_string_keeps_the_quotes_that_stood_there(quote: str, text: str) -> None:
    assert write_scalar("it's", quote) == text


def test_single_quotes_are_given_up_for_what_they_cannot_hold() -> None:
    assert write_scalar("a\tb", "'") == '"a\\tb"'


@pytest.mark.parametrize("value", ["\ud800", math.inf])
def test_what_yaml_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(MlstackError):
        write_scalar(value)


@given(TREES)
def test_whatever_is_written_reads_back_the_same_by_every_reader(value: Any) -> None:
    for text in (f"k: {write_flow(value)}\n", "\n".join(write_block({"k": value}, 0, 2)) + "\n"):
        found = parse(text, "x")
        assert found is not None
        assert repr(found.value) == repr({"k": value})
        # YAML 1.1 reads the same: PyYAML, and through it what kubectl and Helm would.
        assert repr(yaml.load(text, yaml.CSafeLoader)) == repr({"k": value})
        assert YAML(typ="safe", pure=True).load(StringIO(text)) == {"k": value}
