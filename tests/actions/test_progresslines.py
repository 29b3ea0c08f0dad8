"""The forms of progress lines, as the programs print them."""

from __future__ import annotations

from math import inf, isnan
from typing import Any

import pytest

from mlstack.actions.progresslines import LINE_CHARACTERS, figures, from_trainer_status

KERAS = "1875/1875 \u2501\u2501\u2501\u2501 3s 2ms/step - accuracy: 0.86 - loss: 0.47"
KERAS_2 = " 10/1875 [>.....] - ETA: 4s - loss: 0.9\r1875/1875 [=====] - 4s 2ms/step - loss: 0.2 - accuracy: 0.9"
DONE = "{'train_runtime': 9.1, 'train_samples_per_second': 45.6, 'train_steps_per_second': 2.85, 'train_loss': 0.4}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("epoch 3 loss 0.12", {"epoch": 3, "loss": 0.12}),
        ("Epoch 3/10 - loss: 0.12 - accuracy: 0.9", {"epoch": 3, "loss": 0.12}),
        ("step=3 loss=0.12", {"step": 3, "loss": 0.12}),
        ("INFO epoch: 2, step: 1,200, loss: 1.5e-3, lr: 0.1", {"epoch": 2, "step": 1200, "loss": 0.0015}),
        ("Epoch [2/10], Step [100/600], Loss: 0.4", {"epoch": 2, "step": 100, "loss": 0.4}),
        ("Iteration 100: loss = 0.25", {"step": 100, "loss": 0.25}),
        ("epoch=1,step=2,loss=3", {"epoch": 1, "step": 2, "loss": 3}),
        ("[1,  2000] loss: 2.173", {"epoch": 1, "step": 2000, "loss": 2.173}),
        ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 1.2", {"epoch": 1, "loss": 1.2}),
        ("epoch 3 loss inf", {"epoch": 3, "loss": inf}),
        ("Epoch 1/5", {"epoch": 1}),
        (KERAS, {"step": 1875, "steps_per_second": 500, "loss": 0.47}),
        (KERAS_2, {"step": 1875, "steps_per_second": 500, "loss": 0.2}),
        ("{'loss': 0.5, 'learning_rate': 1e-05, 'epoch': 1.0}", {"loss": 0.5, "epoch": 1}),
        (DONE, {"images_per_second": 45.6, "steps_per_second": 2.85, "loss": 0.4, "event": "done"}),
        (
            "Epoch 0: 100%|###| 1875/1875 [00:12<00:00, 150.20it/s, v_num=0, train_loss=0.1]",
            {"epoch": 0, "step": 1875, "steps_per_second": 150.2, "loss": 0.1},
        ),
        (" 50%|# | 50/100 [00:10<00:10,  5.00it/s, loss=0.3]", {"step": 50, "steps_per_second": 5, "loss": 0.3}),
        ("  5%| | 5/100 [00:10<03:10, 2.00s/it]", {"step": 5, "steps_per_second": 0.5}),
        (
            '{"event": "step", "step": 3, "images_per_second": 5}',
            {"event": "step", "step": 3, "images_per_second": 5},
        ),
    ],
)
def test_lines_that_are_read(text: str, expected: dict[str, Any]) -> None:
    assert figures(text) == pytest.approx(expected) if "event" not in expected else figures(text) == expected


def test_a_loss_that_is_no_number_is_a_figure() -> None:
    for text in ("step=3 loss=nan", "{'loss': nan, 'epoch': 0.3}", '{"step": 3, "loss": NaN}'):
        found = figures(text)
        assert found is not None
        assert isnan(found["loss"])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "INFO step 3 of setup: loaded 3 files",
        "the loss 3 was",
        "val_loss: 0.3",
        "{'eval_loss': 0.5, 'epoch': 1.0}",
        "loss: 0.3.4",
        "loss=",
        "step: 3",
        "Loading checkpoint shards: 100%|##| 2/2 [00:01<00:00, 1.50it/s]",
        "Validation DataLoader 0: 100%|##| 10/10 [00:01<00:00, 9.00it/s]",
        '{"images_per_second": ',
        '["images_per_second"]',
        "[" * 100_000,
        '{"step": ' + "[" * 100_000,
    ],
)
def test_lines_that_are_no_progress(text: str) -> None:
    assert figures(text) is None


def test_of_a_long_line_its_end_is_searched() -> None:
    assert figures("x" * 10 * LINE_CHARACTERS + " step=3 loss=2") == {"step": 3, "loss": 2}


def test_what_a_train_job_tells_of_its_trainer() -> None:
    status = {"progressPercentage": 40, "metrics": [{"name": "loss", "value": "NaN"}, {"name": "epoch", "value": "2"}]}
    found = from_trainer_status(status)
    assert found is not None
    assert isnan(found.pop("loss"))
    assert found == {"epoch": 2, "percentage": 40}
    assert from_trainer_status({"metrics": [{"name": "loss", "value": "soon"}, {"name": "auc", "value": "1"}]}) is None
