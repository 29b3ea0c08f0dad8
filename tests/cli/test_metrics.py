"""logs --metrics: tables, lines and the picture."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from mlstack.actions.events import LogLine
from mlstack.cli.metrics import MetricsView, figure, watched
from mlstack.errors import MlstackError, WorkloadFailedError


def line(worker: int, second: int, images: float, step: int) -> LogLine:
    text = json.dumps({"step": step, "images_per_second": images, "loss": 2.5})
    return LogLine(
        f"p{worker}", "c", text, True, f"worker-{worker}", "worker", worker, f"2026-11-23T07:00:{second:02}Z"
    )


LINES = [line(0, 0, 10, 1), line(1, 1, 12, 1), line(0, 10, 10.5, 11), line(1, 11, 12345, 11)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (0.04271, "0.0427"),
        (3.4249, "3.42"),
        (137.04, "137.0"),
        (12345.6, "12,346"),
        (0, "0"),
        (-2, "-2.00"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
    ],
)
def test_figures(value: float | None, text: str) -> None:
    assert figure(value) == text


def test_the_table_comes_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = MetricsView("cnn in gke", "text", tmp_path / "a.svg", live=False)
    watched(view, lambda: view(LINES))
    out, err = capsys.readouterr()
    assert [row.split() for row in out.splitlines()[1:]] == [
        ["worker-0", "11", "1.00", "10.50", "1", "10.50", "2.50"],
        ["worker-1", "11", "1.00", "12,345", "1", "12,345", "2.50"],
        ["sum", "11", "1.00", "12,356", "2", "6177.8"],
    ]
    assert err == f"Wrote {tmp_path / 'a.svg'}.\n"
    drawn = ET.parse(tmp_path / "a.svg").getroot()
    texts = ["".join(node.itertext()) for node in drawn.iter() if node.tag.endswith("text")]
    assert {"cnn in gke", "worker-0", "worker-1", "sum", "seconds", "images/s"} <= set(texts)
    assert sum(node.tag.endswith("path") for node in drawn.iter()) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["a.svg"]


def test_followed_into_a_pipe_each_measurement_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = MetricsView("cnn in gke", "text", None, live=True)

    def read() -> None:
        view(LINES)
        raise KeyboardInterrupt

    watched(view, read)
    assert capsys.readouterr().out.splitlines()[:2] == [
        "worker-0  step 1  images/s 10.00  images/s per worker 10.00  loss 2.50",
        "worker-1  step 1  images/s 12.00  images/s per worker 12.00  loss 2.50",
    ]


def test_json_is_a_measurement_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    view = MetricsView("cnn in gke", "json", None, live=False)
    watched(view, lambda: view(LINES))
    first = json.loads(capsys.readouterr().out.splitlines()[0])
    assert (first["event"], first["title"], first["images_per_second"], first["per_worker"]) == (
        "measurement",
        "worker-0",
        10.0,
        10.0,
    )


def test_json_of_a_loss_that_is_no_number_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    view = MetricsView("cnn in gke", "json", None, live=False)
    watched(view, lambda: view([LogLine("p", "c", "step=3 loss=nan"), LogLine("p", "c", "step=4 loss=-inf")]))

    def refuse(text: str) -> None:
        raise AssertionError(text)

    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(one, parse_constant=refuse)["loss"] for one in lines] == ["NaN", "-Infinity"]


def test_epochs_have_a_column_where_they_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    view = MetricsView("cnn in gke", "text", None, live=False)
    watched(view, lambda: view([LogLine("p", "c", "epoch 3 loss 0.12")]))
    head, row = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["pod", "epoch", "step"]
    assert row.split() == ["p", "3", "1", "0.12"]


def test_nothing_to_show_is_an_error() -> None:
    view = MetricsView("cnn in gke", "text", None, live=False)
    with pytest.raises(MlstackError, match="No line of cnn in gke is a measurement"):
        watched(view, lambda: view([LogLine("p", "c", "hello")]))


def test_ctrl_c_before_anything_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    def read() -> None:
        raise KeyboardInterrupt

    watched(MetricsView("cnn in gke", "text", None, live=True), read)
    assert capsys.readouterr() == ("", "")
    with pytest.raises(KeyboardInterrupt):  # what was not to be followed was not read to its end
        watched(MetricsView("cnn in gke", "text", None, live=False), read)


def test_what_a_failed_run_had_measured_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = MetricsView("cnn in gke", "text", tmp_path / "a.svg", live=True)

    def read() -> None:
        view(LINES)
        raise WorkloadFailedError("Job/cnn failed")

    with pytest.raises(WorkloadFailedError):
        watched(view, read)
    out, err = capsys.readouterr()
    assert (len(out.splitlines()), err) == (4, f"Wrote {tmp_path / 'a.svg'}.\n")


def test_a_picture_that_cannot_be_written_is_a_mistake_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    view = MetricsView("cnn in gke", "text", tmp_path / "file/a.svg", live=False)
    with pytest.raises(MlstackError, match=r"file/a\.svg could not be written: "):
        watched(view, lambda: view(LINES))
