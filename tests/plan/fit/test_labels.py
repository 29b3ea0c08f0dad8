from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.fit.labels import any_term, node_matches, selects

LABELS = {"zone": "a", "gpus": "4"}
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("operator", "key", "values", "matches"),
    [
        ("In", "zone", ["a", "b"], True),
        ("In", "zone", ["b"], False),
        ("In", "none", ["b"], False),
        ("NotIn", "zone", ["a"], False),
        ("NotIn", "none", ["a"], True),
        ("Exists", "zone", [], True),
        ("Exists", "none", [], False),
        ("DoesNotExist", "none", [], True),
        ("DoesNotExist", "zone", [], False),
        ("Gt", "gpus", ["3"], True),
        ("Gt", "gpus", ["4"], False),
        ("Lt", "gpus", ["5"], True),
        ("Lt", "zone", ["5"], False),
        ("Gt", "none", ["0"], False),
        ("Like", "zone", ["a"], False),
    ],
)
def test_requirements(operator: str, key: str, values: list[str], matches: bool) -> None:
    term = {"matchExpressions": [{"key": key, "operator": operator, "values": values}]}
    assert any_term({"nodeSelectorTerms": [term]}, "n", LABELS) is matches


@pytest.mark.parametrize(
    ("spec", "matches"),
    [
        ({}, True),
        ({"nodeSelector": {"zone": "a"}}, True),
        ({"nodeSelector": {"zone": "a", "model": "l4"}}, False),
        ({"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{}]}}}}, False),
        (
            {
                "affinity": {
                    "nodeAffinity": {
                        REQUIRED: {
                            "nodeSelectorTerms": [
                                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["other"]}]},
                                {"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["n"]}]},
                            ]
                        }
                    }
                }
            },
            True,
        ),
        ({"affinity": {"podAffinity": {}}}, True),
    ],
)
def test_nodes(spec: dict[str, Any], matches: bool) -> None:
    assert node_matches(spec, "n", LABELS) is matches


def test_a_missing_selector_matches_nothing_and_an_empty_one_everything() -> None:
    assert not selects(None, LABELS)
    assert selects({}, LABELS)
    assert selects({"matchLabels": {"zone": "a"}}, LABELS)
    assert not selects({"matchLabels": {"zone": "a"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]}, LABELS)
