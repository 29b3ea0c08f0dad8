from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.fit.workloads import held, is_deactivated, owner, why

JOB = ("ml", "TFJob", "cnn")


def workload(*conditions: tuple[str, str, str], **status: Any) -> dict[str, Any]:
    metadata = {"name": "w", "namespace": "ml", "ownerReferences": [{"kind": "TFJob", "name": "cnn"}]}
    found = [{"type": kind, "status": state, "message": message} for kind, state, message in conditions]
    return {"metadata": metadata, "status": {"conditions": found, **status}}


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], ""),
        ([workload(("QuotaReserved", "False", "couldn't assign flavors"))], "couldn't assign flavors"),
        ([workload(("QuotaReserved", "True", "reserved"), ("Admitted", "True", "admitted"))], ""),
        ([workload(("Evicted", "True", "Preempted"), ("QuotaReserved", "False", "evicted"))], "Preempted"),
        (
            [workload(("QuotaReserved", "True", "reserved"), admissionChecks=[{"name": "budget", "state": "Pending"}])],
            "admission check budget is not done",
        ),
        ([{**workload(("QuotaReserved", "False", "no")), "metadata": {"name": "x", "namespace": "ml"}}], ""),
    ],
)
def test_why_a_job_waits(given: list[dict[str, Any]], expected: str) -> None:
    assert why(given, JOB) == expected


def test_a_workload_that_nobody_owns_stands_for_itself() -> None:
    assert owner({"metadata": {"name": "w", "namespace": "ml"}}) == ("ml", "Workload", "w")


def test_what_has_ended_holds_nothing() -> None:
    assigned = [{"flavors": {"cpu": "x"}, "resourceUsage": {"cpu": "1500m"}}]
    admission = {"clusterQueue": "q", "podSetAssignments": [*assigned, *assigned]}
    running = workload(admission=admission)
    assert held(running, "q") == {("x", "cpu"): 3000}
    assert held(running, "other") == {}
    assert held(workload(("Finished", "True", "done"), admission=admission), "q") == {}
    assert held(workload(), "q") == {}


@pytest.mark.parametrize(("spec", "off"), [({"active": False}, True), ({"active": True}, False), ({}, False)])
def test_a_workload_that_is_switched_off(spec: dict[str, Any], off: bool) -> None:
    job = {"kind": "TFJob", "metadata": {"name": "cnn", "namespace": "ml"}}
    assert is_deactivated(job, [{**workload(), "spec": spec}]) is off
    assert not is_deactivated({**job, "kind": "Job"}, [{**workload(), "spec": spec}])
