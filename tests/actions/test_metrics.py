from __future__ import annotations

import json
import math
from typing import Any

import pytest

from mlstack.actions.events import LogLine
from mlstack.actions.metrics import SUM, Measurement, Metrics

START = {"event": "start", "replicas": 4, "global_batch": 128, "batch_size": 32}


def line(second: float, facts: Any, title: str = "worker-0") -> LogLine:
    text = facts if isinstance(facts, str) else json.dumps(facts)
    time = f"2026-11-23T07:00:{second:012.9f}Z"
    return LogLine(f"cnn-{title}", "tensorflow", text, True, title, "worker", 0, time)


def step(number: int, images: float, **more: Any) -> dict[str, Any]:
    return {"event": "step", "step": number, "images_per_second": images, **more}


def measured(*lines: LogLine) -> Metrics:
    metrics = Metrics()
    for one in lines:
        metrics.add(one)
    return metrics


def test_what_tf_cnn_says() -> None:
    metrics = measured(line(0, START), line(10, step(10, 64.0, loss=6.9)))
    (row,) = metrics.rows
    assert (row.title, row.step, row.images_per_second, row.steps_per_second) == ("worker-0", 10, 64.0, 0.5)
    assert (row.workers, row.per_worker, row.loss, row.mean) == (4, 16.0, 6.9, False)
    metrics.add(line(20, {"event": "done", "images_per_second": 60.0, "steps": 20, "replicas": 4}))
    (row,) = metrics.rows
    assert (row.step, row.images_per_second, row.mean) == (20, 60.0, True)
    assert metrics.series() == {"worker-0": [(0.0, 64.0)]}


def test_workers_that_each_tell_their_own() -> None:
    metrics = measured(
        line(0, step(1, 10.0), "worker-0"),
        line(1, step(1, 12.0), "worker-1"),
        line(5, step(6, 11.0), "worker-0"),
    )
    assert [(row.title, row.images_per_second, row.steps_per_second) for row in metrics.rows] == [
        ("worker-0", 11.0, 1.0),
        ("worker-1", 12.0, None),
    ]
    total = metrics.total
    assert total is not None
    assert (total.title, total.images_per_second, total.workers, total.per_worker) == (SUM, 23.0, 2, 11.5)
    assert (total.step, total.steps_per_second) == (1, 1.0)
    assert metrics.series() == {
        "worker-0": [(0.0, 10.0), (5.0, 11.0)],
        "worker-1": [(1.0, 12.0)],
        SUM: [(1.0, 22.0), (5.0, 23.0)],
    }


def test_steps_without_images() -> None:
    metrics = measured(line(0, {"steps_per_second": 2.5, "step": 3}), line(2, {"steps_per_second": 3, "step": 8}))
    (row,) = metrics.rows
    assert (row.steps_per_second, row.images_per_second, row.per_worker) == (3.0, None, None)
    assert metrics.series() == {"worker-0": [(0.0, 2.5), (2.0, 3.0)]}


def test_a_training_that_begins_anew_is_one() -> None:
    for again in (START, step(5, 30.0)):
        metrics = measured(line(0, step(10, 20.0)), line(1, step(20, 20.0)), line(9, again), line(10, step(6, 31.0)))
        assert metrics.rows[0].images_per_second == 31.0
        assert (0.0, 20.0) not in metrics.series()["worker-0"]


@pytest.mark.parametrize(
    "text",
    [
        '{"images_per_second": ',
        '["images_per_second"]',
        '{"images_per_second": "fast"}',
        '{"images_per_second": true}',
        '{"images_per_second": NaN}',
        '{"images_per_second": Infinity}',
        '{"step": 3}',
        "",
    ],
)
def test_what_is_no_measurement(text: str) -> None:
    metrics = Metrics()
    assert metrics.add(line(0, text)) is None
    assert (metrics.rows, metrics.total, metrics.series()) == ([], None, {})


@pytest.mark.parametrize(
    ("time", "at"),
    [
        ("1970-01-01T00:01:00Z", 60.0),
        ("1970-01-01T00:01:00.5Z", 60.5),
        ("1970-01-01T00:01:00.123456789Z", 60.123456),
        ("1970-01-01T02:01:00.25+02:00", 60.25),
        ("1969-12-31T22:31:00.25-01:30", 60.25),
    ],
)
def test_when_it_was_said(time: str, at: float) -> None:
    found = Metrics().add(LogLine("p", "c", '{"images_per_second": 1}', time=time))
    assert isinstance(found, Measurement)
    assert (found.at, found.title) == (at, "p")


def test_a_loss_that_is_no_number_is_shown() -> None:
    (row,) = measured(line(0, step(3, 20.0, loss=0.5)), line(1, '{"step": 4, "loss": NaN}')).rows
    assert row.step == 4
    assert row.loss is not None
    assert math.isnan(row.loss)


def test_steps_that_begin_again_with_each_epoch_are_one_training() -> None:
    lines = [f"Epoch {epoch}/2 step {at} loss {1 / epoch}" for epoch in (1, 2) for at in (10, 20)]
    metrics = measured(*(line(second, text) for second, text in enumerate(lines)))
    assert [(one.epoch, one.step) for one in metrics.rows] == [(2.0, 20)]
    assert metrics.series() == {"worker-0": [(1.0, 10.0), (3.0, 10.0)]}
    metrics.add(line(9, "Epoch 1/2 step 10 loss 5"))  # the program started again
    assert metrics.series() == {}


def test_replicas_of_nonsense_are_one() -> None:
    (row,) = measured(line(0, {"replicas": 0, "images_per_second": 5})).rows
    assert row.per_worker == 5.0
