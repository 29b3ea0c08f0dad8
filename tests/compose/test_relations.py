from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.relations import parse_relations
from mlstack.errors import MlstackError

SIZES = {"message": "high ({high}) is below low ({low})", "atLeast": ["high", "low"]}


@pytest.mark.parametrize(
    ("schema", "values", "holds"),
    [
        ({"atLeast": ["high", "low"]}, {"high": 2, "low": 3}, False),
        ({"atLeast": ["high", "low"]}, {"high": 3, "low": 3}, True),
        ({"atLeast": ["high", "low"]}, {"high": "1Gi", "low": "512Mi"}, True),
        ({"atLeast": ["high", "low"]}, {"high": "500M", "low": "512Mi"}, False),
        ({"atLeast": ["high", "low"]}, {"high": 0, "low": 3}, True),
        ({"atLeast": ["high", "low"]}, {"high": "", "low": "3G"}, True),
        ({"atLeast": ["high", "low"]}, {"high": None, "low": 3}, True),
        ({"atLeast": ["high", "low"]}, {"high": 3, "low": None}, True),
        ({"atLeast": ["high", "low", "by"]}, {"high": "2Gi", "low": "4Gi", "by": 2}, True),
        ({"atLeast": ["high", "low", "by"]}, {"high": "2Gi", "low": "4Gi", "by": 0}, False),
        ({"atLeast": ["2Gi", "low"]}, {"low": "4Gi"}, False),
        ({"among": ["names", "known"]}, {"names": {"a": 1}, "known": [1, 2]}, True),
        ({"among": ["names", "known"]}, {"names": {"a": 3}, "known": [1, 2]}, False),
        ({"among": ["names", "known"]}, {"names": {}, "known": []}, True),
        (
            {"if": {"properties": {"a": {"const": 1}}}, "then": {"properties": {"b": {"minLength": 1}}}},
            {"a": 1, "b": ""},
            False,
        ),
    ],
)
def test_what_holds(schema: dict[str, Any], values: dict[str, Any], holds: bool) -> None:
    [relation] = parse_relations([{"message": "x", **schema}], values, "here")
    assert relation.holds(values) is holds


def test_a_message_has_the_values() -> None:
    [relation] = parse_relations([SIZES], ["high", "low"], "here")
    assert relation.told({"high": "1G", "low": "2G"}) == "high (1G) is below low (2G)"


def test_a_rule_about_a_parameter_that_was_taken_away_is_left_out() -> None:
    assert list(parse_relations([SIZES], ["high"], "here")) == []


@pytest.mark.parametrize("declared", [{}, "x", [{"atLeast": ["a", "b"]}], ["x"]])
def test_what_is_no_rule_is_told(declared: Any) -> None:
    with pytest.raises(MlstackError, match=r"^here: "):
        list(parse_relations(declared, [], "here"))
