"""The rules of readiness for what is kept in a state: workloads, volumes, CRDs, webhooks (plan/readiness.py)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.state import READY, Readiness, State, condition, counted, is_true, waiting, words

NO_DEADLINE = 2**31 - 1  # progressDeadlineSeconds of a Deployment that has none


def deployment(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: deploymentConditions."""
    want = spec.get("replicas", 1)
    progressing, refused = condition(live, "Progressing"), condition(live, "ReplicaFailure")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(State.FAILED, f"{status.get('availableReplicas', 0)}/{want}", words(progressing))
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if "observedGeneration" not in status or min(status.get("replicas", 0), updated) < want:
        return waiting(min(updated, available), want, words(refused) if is_true(refused) else "")
    if status.get("replicas", 0) > want:
        return waiting(available, want, "former pods are ending")
    ready = counted(min(available, status.get("readyReplicas", 0)), want)
    return ready if not ready.ready else _rolled_out(live, spec, ready)


def _rolled_out(live: Manifest, spec: Mapping[str, Any], ready: Readiness) -> Readiness:
    """What the conditions have to say once the counts are right: without a deadline Progressing is never set."""
    progressing = condition(live, "Progressing")
    deadline = spec.get("progressDeadlineSeconds", NO_DEADLINE) != NO_DEADLINE
    if deadline and not (is_true(progressing) and progressing.get("reason") == "NewReplicaSetAvailable"):
        return Readiness(State.WAITING, ready.progress, "its new pods are not available yet")
    if not is_true(condition(live, "Available")):
        return Readiness(State.WAITING, ready.progress, "it is not available yet")
    return ready


def replica_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: replicasetConditions."""
    want, names = spec.get("replicas", 1), ("fullyLabeledReplicas", "availableReplicas", "readyReplicas")
    have = min(status.get(name, 0) for name in names)
    failure = condition(live, "ReplicaFailure")
    if is_true(failure):
        return waiting(have, want, words(failure))
    if have >= want and status.get("replicas", 0) > want:
        return waiting(have, want, "former pods are ending")
    return counted(have, want)


def stateful_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: stsConditions; a partition leaves the pods below it at their former revision."""
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return READY
    want, have = spec.get("replicas", 1), status.get("readyReplicas", 0)
    if "observedGeneration" not in status or status.get("replicas", 0) < want or have < want:
        return waiting(have, want)
    if status.get("replicas", 0) > want:
        return waiting(have, want, "former pods are ending")
    partition = (strategy.get("rollingUpdate") or {}).get("partition")
    if partition is not None:
        return counted(status.get("updatedReplicas", 0), max(want - partition, 0))
    if status.get("currentReplicas", 0) < want or status.get("currentRevision") != status.get("updateRevision"):
        return waiting(status.get("updatedReplicas", 0), want, "former pods are ending")
    return Readiness(State.READY, f"{have}/{want}")


def daemon_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: daemonsetConditions."""
    if "desiredNumberScheduled" not in status or "observedGeneration" not in status:
        return waiting(0, None)
    want = status["desiredNumberScheduled"]
    names = ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
    return counted(min(status.get(name, 0) for name in names), want)


def pod(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: podConditions, deviating (above)."""
    phase = status.get("phase")
    if phase == "Succeeded":
        return Readiness(State.FINISHED)
    if phase == "Failed":
        return Readiness(State.FAILED, reason=str(status.get("message") or status.get("reason") or "the pod failed"))
    return READY if is_true(condition(live, "Ready")) else waiting(0, 1)


def claim(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: pvcConditions, deviating (above)."""
    if status.get("phase") == "Bound" or "volume.kubernetes.io/selected-node" not in _annotations(live):
        return READY if status.get("phase") != "Lost" else Readiness(State.FAILED, reason="its volume is lost")
    return waiting(reason="its volume is being made")


def _annotations(live: Manifest) -> Mapping[str, str]:
    return live["metadata"].get("annotations") or {}


def definition(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: crdConditions."""
    named, established = condition(live, "NamesAccepted"), condition(live, "Established")
    for found in (named, established):
        if str(found.get("status")) == "False" and found.get("reason") != "Installing":
            return Readiness(State.FAILED, reason=words(found))
    return READY if is_true(established) else waiting(reason="not established yet")


def api_service(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """Deviating (readiness.py): its API is of no use before it is available."""
    available = condition(live, "Available")
    return READY if is_true(available) else waiting(reason=words(available) or "its API is not available yet")


def budget(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: pdbConditions."""
    return READY if "observedGeneration" in status else waiting()


def namespace(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """Active, and not on its way out."""
    return READY if status.get("phase", "Active") == "Active" else Readiness(State.TERMINATING)


def webhook(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """Its certificates are there; whether its Service answers is that one's matter."""
    configs = [hook.get("clientConfig") or {} for hook in live.get("webhooks") or []]
    lacking = [config for config in configs if config.get("service") and not config.get("caBundle")]
    return waiting(reason="its caBundle is not filled in yet") if lacking else READY


def autoscaler(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """Able to scale, as far as it says."""
    able = condition(live, "AbleToScale")
    return waiting(reason=words(able)) if able and not is_true(able) else READY


def generic(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: checkReadyCondition (generic.go): Unknown is not ready either, and none at all is."""
    ready = condition(live, "Ready")
    return waiting(reason=words(ready)) if ready and not is_true(ready) else READY
