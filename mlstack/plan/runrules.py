"""The rules of readiness for what runs to its end: Jobs, training jobs of Kubeflow, Spark applications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.state import READY, Readiness, State, condition, counted, is_true, switched, waiting, words

QUEUE = "kueue.x-k8s.io/queue-name"


def job(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: jobConditions, deviating (mlstack/plan/readiness.py)."""
    failed = condition(live, "Failed") or condition(live, "FailureTarget")  # its pods are being ended: it is lost
    if is_true(failed):
        return Readiness(State.FAILED, reason=words(failed))
    if is_true(condition(live, "Complete")):
        return Readiness(State.FINISHED)
    if _is_held(live, "spec", "suspend"):
        return _suspended(live)
    want = min(spec.get("parallelism", 1), spec.get("completions") or spec.get("parallelism", 1))
    return counted(status.get("ready", 0) + status.get("succeeded", 0), want)


def _suspended(live: Manifest) -> Readiness:
    """Ready, as kstatus has it, for whoever suspends a job means it; in a queue it waits for its turn."""
    queue = (live["metadata"].get("labels") or {}).get(QUEUE)
    return replace(waiting(reason=f"waits in queue {queue}"), queue=queue) if queue else READY


def _is_held(live: Manifest, *path: str) -> bool:
    """By the switch, where it is set: the condition says so a while longer of a job that was released."""
    switch = switched(live, path)
    return is_true(condition(live, "Suspended")) if switch is None else switch


def replica_specs(live: Manifest) -> Mapping[str, Any]:
    """The replica specs of a Kubeflow training job by role, empty for other kinds."""
    if key_of(live).group != "kubeflow.org":
        return {}
    spec = live.get("spec") or {}
    found: Mapping[str, Any] = next((spec[name] for name in spec if name.endswith("ReplicaSpecs")), {})
    return found


def training_job(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """The job's own Running is true as soon as one pod runs: count them (training-operator v1.9.4)."""
    for kind, state in (("Failed", State.FAILED), ("Succeeded", State.FINISHED)):
        if is_true(condition(live, kind)):
            return Readiness(state, reason=words(condition(live, kind)) if state is State.FAILED else "")
    if _is_held(live, "spec", "runPolicy", "suspend"):
        return _suspended(live)
    want = sum(int(role.get("replicas", 1)) for role in replica_specs(live).values())
    counts = (status.get("replicaStatuses") or {}).values()
    have = sum(role.get("active", 0) + role.get("succeeded", 0) for role in counts)
    return counted(have, want, "" if condition(live, "Created") else "no operator has seen it yet")


def train_job(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """Its conditions, and how many of its roles have started (trainer v2)."""
    if is_true(condition(live, "Failed")):
        return Readiness(State.FAILED, reason=words(condition(live, "Failed")))
    if is_true(condition(live, "Complete")):
        return Readiness(State.FINISHED)
    if _is_held(live, "spec", "suspend"):
        return _suspended(live)
    roles = status.get("jobsStatus") or []
    started = [role for role in roles if role.get("ready", 0) + role.get("succeeded", 0) > 0]
    return counted(len(started), max(len(roles), 1), "" if status else "no trainer has seen it yet")


SPARK_ENDED = {"COMPLETED": State.FINISHED, "FAILED": State.FAILED}  # after SUBMISSION_FAILED and FAILING it may retry


def spark_application(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """The state that Spark's operator says, its driver and executors counted."""
    application = status.get("applicationState") or {}
    state = str(application.get("state", ""))
    error = str(application.get("errorMessage") or "")
    if state in SPARK_ENDED:
        return Readiness(SPARK_ENDED[state], reason=error)
    if state == "SUSPENDED" or _is_held(live, "spec", "suspend"):
        return _suspended(live)
    if state != "RUNNING":
        return waiting(reason=error or state.lower().replace("_", " ") or "no operator has seen it yet")
    executors = list((status.get("executorState") or {}).values())
    dynamic = (spec.get("dynamicAllocation") or {}).get("enabled")
    want = 1 + (0 if dynamic else (spec.get("executor") or {}).get("instances", 1))  # the driver, too
    return counted(min(1 + executors.count("RUNNING") + executors.count("COMPLETED"), want), want)
