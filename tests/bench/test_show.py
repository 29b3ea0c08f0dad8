"""`show` beside `helm template`."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench import show
from bench.cells import Cell, Reading, Setting
from bench.measure import Command, Sample


@pytest.fixture
def mlstack(tmp_path: Path) -> Path:
    """An mlstack that makes an app's folder, and notes what it was told."""
    path = tmp_path / "mlstack-program"
    path.write_text(f'#!/bin/sh\necho "$*" >> {tmp_path}/told\n[ "$1" = init ] && mkdir "$2" || true\n')
    path.chmod(0o755)
    return path


def test_commands(mlstack: Path, tmp_path: Path) -> None:
    found = show.commands(mlstack, Path("/helm"), tmp_path / "place", 10)
    assert found["mlstack"].words == (str(mlstack), "show", "bench")
    assert found["mlstack"].folder == tmp_path / "place" / "mlstack-10" / "app"
    assert found["helm"].words == ("/helm", "template", "settings", "chart", "-n", "bench-helm")
    chart = (tmp_path / "place" / "helm-10" / "chart" / "templates" / "objects.yaml").read_text()
    assert chart.count("kind: ConfigMap") == 10
    assert (tmp_path / "told").read_text().startswith("init app\n--app app env add bench --context gke")
    assert list(show.commands(mlstack, None, tmp_path / "other", 10)) == ["mlstack"]


def test_run_takes_the_place_of_what_was_measured_of_the_same_tools(tmp_path: Path) -> None:
    cell = Cell(
        Setting("show", 10, 0), readings=[Reading(n, "show", 9, "old", Sample(1, 1, 1)) for n in ("mlstack", "helm")]
    )
    show.run({"mlstack": Command(("/bin/sh", "-c", ":"))}, 2, "new", cell)
    assert [(one.tool, one.round, one.run) for one in cell.readings] == [
        ("helm", 9, "old"),
        ("mlstack", 0, "new"),
        ("mlstack", 1, "new"),
    ]
