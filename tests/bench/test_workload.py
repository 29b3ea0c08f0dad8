"""What is applied."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from bench import workload


@pytest.mark.parametrize("count", [1, 5, 7, 50, 500])
def test_objects_are_so_many_and_all_different(count: int) -> None:
    found = list(yaml.safe_load_all(workload.objects(count, 0)))
    assert len({manifest["metadata"]["name"] for manifest in found}) == count
    assert {manifest["kind"] for manifest in found} == {"ConfigMap"}


@pytest.mark.parametrize("count", [5, 7, 50, 500])
def test_five_change_with_the_revision(count: int) -> None:
    before, after = (list(yaml.safe_load_all(workload.objects(count, revision))) for revision in (0, 2))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == workload.CHANGED


def test_every_tool_gets_the_same_text(tmp_path: Path) -> None:
    workload.write(tmp_path, 3, 1)
    text = workload.objects(3, 1)
    assert workload.plain_file(tmp_path).read_text() == text
    assert workload.app_file(tmp_path).read_text() == text
    assert (workload.chart(tmp_path) / "templates" / "objects.yaml").read_text() == text
    assert "{{" not in text  # helm reads it as a template
    assert yaml.safe_load((workload.chart(tmp_path) / "Chart.yaml").read_text())["name"] == "bench"
