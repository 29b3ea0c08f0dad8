from __future__ import annotations

import json
from typing import Any

import pytest

from mlstack.actions.metrics import Metrics
from mlstack.actions.trainerstatus import duration, progress_line, progress_words


def train_job(**status: Any) -> dict[str, Any]:
    trainer = {"lastUpdatedTime": "2026-11-23T12:17:31Z", **status}
    return {"kind": "TrainJob", "metadata": {"name": "cnn"}, "status": {"trainerStatus": trainer}}


STATUS = train_job(
    progressPercentage=40,
    estimatedRemainingSeconds=3900,
    metrics=[{"name": "loss", "value": "0.31"}, {"name": "step", "value": "200"}, {"name": "auc", "value": "1"}],
)


def test_reported_progress_for_people() -> None:
    assert progress_words(STATUS) == "40% done, 1h05m left, step 200, loss 0.31"
    assert progress_words(train_job()) == ""
    assert progress_words({**STATUS, "kind": "Job"}) == ""
    assert progress_words({"kind": "TrainJob", "metadata": {"name": "cnn"}}) == ""


def test_reported_progress_is_a_measurement() -> None:
    line = progress_line(STATUS)
    assert line is not None
    assert json.loads(line.line) == {"loss": 0.31, "step": 200, "percentage": 40}
    found = Metrics().add(line)
    assert found is not None
    assert (found.title, found.step, found.loss, found.at) == ("TrainJob/cnn", 200, 0.31, 1795436251.0)
    assert progress_line(train_job()) is None


@pytest.mark.parametrize(("seconds", "text"), [(45, "45s"), (720, "12m"), (3900, "1h05m")])
def test_durations(seconds: int, text: str) -> None:
    assert duration(seconds) == text
