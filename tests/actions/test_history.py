from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.runrecords import differing


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, {}, {}),
        (None, {"a": 1}, {"a": [None, 1]}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1, "b": 2}, {"a": 3}, {"a": [1, 3], "b": [2, None]}),
    ],
)
def test_parameters_that_differ(before: Any, after: Any, expected: Any) -> None:
    assert differing(before or {}, after) == expected
