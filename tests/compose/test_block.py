"""The fast way to YAML against PyYAML's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlstack.compose.block import HardError, write_block
from mlstack.compose.filters import dumped, to_yaml

LINES = st.text(st.sampled_from("a1 :#-\n'\"\\|{}[]%@&*!?,\t~é"), max_size=12)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    LINES,
    st.text(max_size=5),
)
KEYS = st.one_of(LINES.filter(bool), st.sampled_from(["apiVersion", "yes", "null", "1"]))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=8,
)


@given(st.one_of(st.dictionaries(KEYS, VALUES, max_size=4), st.lists(VALUES, max_size=4)))
def test_as_pyyaml_writes_it(value: Any) -> None:
    assert to_yaml(value) == dumped(value)


@pytest.mark.parametrize(
    "value",
    [
        {"kind": "ConfigMap", "data": {"a.yaml": "x: 1\n\n  y: 2\n", "b": "one\ntwo", "c": "", "d": "yes"}},
        {"list": [1, "a", {"b": None, "c": [True, [], {}]}, ["x", ["y"]]], "empty": {}, "port": "8080", "cpu": 0.5},
        [{"a": 1, "b": {"c": "d e"}}, [["deep"]]],
        {"a": ["one\ntwo\n"], "k e y": {"x": "# no comment\n- no list\n"}},
    ],
)
def test_common_values_take_the_fast_way(value: Any) -> None:
    assert write_block(value) == dumped(value)


@pytest.mark.parametrize(
    "value",
    [
        *(1, "a", {}, []),
        *({"a": text} for text in ("é", "x\ty", "x \ny", " x\n", "x\n\n", '"', "\n", "x " * 60_000)),
        *({"a": other} for other in (1e22, float("inf"), (1, 2))),
        *({key: 1} for key in ("a" * 101, 1, "a\nb")),
    ],
)
def test_the_rest_is_pyyamls(value: Any) -> None:
    with pytest.raises(HardError):
        write_block(value)
