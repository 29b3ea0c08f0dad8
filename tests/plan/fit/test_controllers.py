"""Labels that controllers put on pods, as rules across nodes go by them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.controllers import of_each_pod
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.terms import REQUIRED
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

HOST = "kubernetes.io/hostname"


def _job(kind: str, version: str, **rule: Any) -> dict[str, Any]:
    term = {"topologyKey": HOST, **rule}
    spec = {"containers": [{"name": "c"}], "affinity": {"podAntiAffinity": {REQUIRED: [term]}}}
    template = {"metadata": {"labels": {"app": "x"}}, "spec": spec}
    number = {"parallelism": 3} if kind == "Job" else {"replicas": 3}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "cnn"}, "spec": {"template": template, **number}}


OWN = {"labelSelector": {"matchLabels": {"job-name": "cnn"}}}
APP = {"labelSelector": {"matchLabels": {"app": "x"}}}
INDEX = {"labelSelector": {"matchExpressions": [{"key": "apps.kubernetes.io/pod-index", "operator": "Exists"}]}}


@pytest.mark.parametrize(
    ("job", "high", "verdict"),
    [
        (_job("Job", "batch/v1", **OWN), 2, Verdict.NOT),
        (_job("Job", "batch/v1", labelSelector={"matchLabels": {"job-name": "other"}}), 220, Verdict.FITS),
        (_job("Deployment", "apps/v1", **APP, matchLabelKeys=["pod-template-hash"]), 2, Verdict.NOT),
        (_job("Deployment", "apps/v1", **APP, mismatchLabelKeys=["pod-template-hash"]), 110, Verdict.FITS),
        (_job("StatefulSet", "apps/v1", **INDEX), 220, Verdict.UNKNOWN),
    ],
)
def test_rules_that_go_by_them(build: Build, job: dict[str, Any], high: int, verdict: Verdict) -> None:
    old = build.pod("a", {"app": "x", "pod-template-hash": "old"}, requests={})
    others = [old] if "mismatchLabelKeys" in str(job) else []
    wanted = asks("cnn", [job], "ml")
    (found,) = fit(View(rooms([build.node("a"), build.node("b")], others)), wanted)
    assert (found.room.high, found.verdict) == (high, verdict)
    told = "its rules go by label apps.kubernetes.io/pod-index, which differs from pod to pod"
    assert found.told == (told if verdict is Verdict.UNKNOWN else "")
    assert bool(of_each_pod(wanted[0].pod)) is (verdict is Verdict.UNKNOWN)
