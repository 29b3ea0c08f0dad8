from __future__ import annotations

from typing import Any

import pytest

from mlstack.actions.history import differing
from mlstack.plan.runs import Run


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
    former = None if before is None else Run("h", "succeeded", "T", params=before)
    assert differing(former, Run("h", "running", "T", params=after)) == expected
