"""The whole set of stages; how they behave is tested on a real control plane."""

from __future__ import annotations

import re

import pytest

from mlstack.sandbox import stages
from mlstack.sandbox.selectors import Stage

ALL = stages.stages()


def test_names_are_unique() -> None:
    names = [stage["metadata"]["name"] for stage in ALL]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("stage", ALL, ids=lambda stage: stage["metadata"]["name"])
def test_templates_are_balanced(stage: Stage) -> None:
    text = stage["spec"].get("next", {}).get("statusTemplate", "")
    opened = re.findall(r"{{-?\s*(?:if|range|with)\b", text)
    assert len(opened) == len(re.findall(r"{{-?\s*end\b", text))
    assert text.count("{") == text.count("}")


def test_volumes_are_made_for_any_class() -> None:
    (stage,) = (stage for stage in ALL if stage["metadata"]["name"] == "claim-provision")
    matches = stage["spec"]["selector"]["matchExpressions"]
    assert {"key": ".spec.storageClassName", "operator": "Exists"} in matches
    assert not any("values" in match for match in matches)
