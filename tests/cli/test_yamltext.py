"""YAML for people and pipes: readable, and read back as the same value."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlstack.cli.yamltext import to_yaml
from mlstack.compose.places import Place
from mlstack.compose.yamltext import load_documents

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXTS, lambda v: st.lists(v) | st.dictionaries(TEXTS, v)
)


def test_texts_of_several_lines_are_blocks() -> None:
    assert to_yaml({"z": "one\ntwo\n", "a": "x " * 200}).startswith("z: |\n  one\n  two\na: x x")


def test_no_anchors_for_values_that_stand_twice() -> None:
    labels = {"app": "hub"}
    assert to_yaml({"a": labels, "b": labels}) == "a:\n  app: hub\nb:\n  app: hub\n"


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(TEXTS, VALUES))
def test_it_reads_back_as_the_same_value_by_two_readers(value: dict[str, Any]) -> None:
    text = to_yaml(value)
    assert yaml.load(text, Loader=yaml.CSafeLoader) == value
    assert [document for _, document in load_documents(text, Place("x"))] == [value]
