"""Kueue looks after the kinds that its configuration names."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.places import Place
from mlstack.plan.integrations import left_alone, looked_after, queued

QUEUED = {"name": "cnn", "labels": {"kueue.x-k8s.io/queue-name": "team-a"}}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({}, ["batch/job"]),
        ({"integrations": {"frameworks": []}}, ["batch/job"]),
        ({"integrations": {"frameworks": ["kubeflow.org/tfjob"]}}, ["kubeflow.org/tfjob"]),
    ],
)
def test_what_a_configuration_switches_on(config: dict[str, Any], expected: list[str]) -> None:
    assert list(looked_after(config)) == expected


def test_only_jobs_in_queues_matter() -> None:
    jobs = [
        {"kind": "TFJob", "metadata": QUEUED},
        {"kind": "TFJob", "metadata": {"name": "free"}},
        {"kind": "Service", "metadata": QUEUED},
    ]
    assert list(queued(jobs)) == jobs[:1]


def test_a_job_that_is_left_alone() -> None:
    settings = {
        "queue": Setting("queue", "team-a", "environments/gke.yaml", Place("environments/gke.yaml", 9)),
        "runner": Setting("runner", "operator", "the default", None),
    }
    found = left_alone("cnn", {"kind": "TFJob", "metadata": QUEUED}, "kueue-system/kueue-manager-config", settings)
    assert not found.certain
    assert found.problem == (
        "cnn: queue team-a has no effect on a TFJob: Kueue is not told to look after kubeflow.org/tfjob, "
        "and the job would start at once."
    )
    assert found.advice == (
        "queue = team-a, at environments/gke.yaml:9. Add it to integrations.frameworks of ConfigMap "
        "kueue-system/kueue-manager-config and restart Kueue or set runner: native, which makes Jobs of it."
    )
