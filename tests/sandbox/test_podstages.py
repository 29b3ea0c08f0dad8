"""Which pods a stage takes; how they behave is tested on a real control plane."""

from __future__ import annotations

import pytest

from mlstack.sandbox import podstages
from mlstack.sandbox.selectors import MODE, Stage

ALL = podstages.pod_stages()


@pytest.mark.parametrize("stage", podstages.pod_stages(), ids=lambda stage: stage["metadata"]["name"])
def test_a_pod_that_is_deleted_only_goes(stage: Stage) -> None:
    matches = stage["spec"]["selector"]["matchExpressions"]
    deleted = [match["operator"] for match in matches if match["key"] == ".metadata.deletionTimestamp"]
    assert deleted == (["Exists"] if stage["metadata"]["name"] == "pod-delete" else ["DoesNotExist"])


def _selected(name: str, key: str) -> list[str]:
    (stage,) = (stage for stage in ALL if stage["metadata"]["name"] == name)
    return [
        value
        for match in stage["spec"]["selector"]["matchExpressions"]
        if match["key"] == key
        for value in match["values"]
    ]


def test_a_stuck_pod_does_not_run() -> None:
    assert set(_selected("pod-run", MODE)) == set(podstages.STUCK)


@pytest.mark.parametrize("name", ["pod-complete-job", "pod-complete-training", "pod-complete-annotated"])
def test_what_ends_badly_does_not_end_well(name: str) -> None:
    assert {"fail", "oom", "crashloop"} <= set(_selected(name, MODE))


def test_the_ways_to_end_exclude_one_another() -> None:
    owners = [set(_selected(f"pod-complete-{name}", podstages.OWNER)) for name in ("job", "training")]
    assert not owners[0] & owners[1]
    assert set(_selected("pod-complete-annotated", podstages.OWNER)) == owners[0] | owners[1]
