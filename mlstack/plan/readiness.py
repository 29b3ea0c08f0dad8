"""Whether an object is ready: a rule per kind, in one table.

The reference is kstatus (sigs.k8s.io/cli-utils, pkg/kstatus/status/core.go and generic.go); each rule names its
function there. Our deviations:
- a claim that waits for its first consumer is ready (its pod's state tells the rest; kstatus waits for Bound);
- a failed Pod is a failure (kstatus: current), a crash loop and an unschedulable pod are none: they may still come
  (kstatus gives up at once, or after 15 seconds); who waits with --fail-fast gives up where nodes cannot come;
- a Job is ready when all its pods have started, not when the first has;
- a Service of type LoadBalancer is ready without an address (minikube never gives one; nor does kstatus ask for it);
- a suspended job in a queue waits for its turn;
- a Deployment, StatefulSet or PodDisruptionBudget whose controller has not been there (no observedGeneration) is not
  ready, whatever its counts are (kstatus asks that of DaemonSets alone);
- a lost claim and a job whose pods are being ended (FailureTarget) are failures, which kstatus does not look at;
- Stalled counts before Reconciling, in whichever order they stand;
- training jobs, HPAs, webhook configurations and namespaces have rules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.compose.manifests import Manifest, key_of
from mlstack.plan.runrules import IN_QUEUE, QUEUE, job, replica_specs, spark_application, train_job, training_job
from mlstack.plan.state import READY, Readiness, Rule, State, condition, counted, is_true, waiting, words

__all__ = ["IN_QUEUE", "QUEUE", "Readiness", "State", "condition", "readiness", "replica_specs", "rule_for", "waits"]

NO_DEADLINE = 2**31 - 1  # progressDeadlineSeconds of a Deployment that has none


def readiness(live: Manifest) -> Readiness:
    """The state of a live object by its own fields."""
    metadata, status = live["metadata"], live.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Readiness(State.TERMINATING, reason=_finalizers(metadata))
    generation = metadata.get("generation")
    if generation is not None and status.get("observedGeneration", generation) != generation:
        return waiting(reason="its controller has not seen the change yet")
    stalled = condition(live, "Stalled")
    if is_true(stalled):
        return Readiness(State.FAILED, reason=words(stalled))
    reconciling = condition(live, "Reconciling")
    if is_true(reconciling):
        return waiting(reason=words(reconciling))
    return rule_for(live)(live, live.get("spec") or {}, status)


def rule_for(live: Manifest) -> Rule:
    """The rule of the object's kind, the generic one where the table has none."""
    key = key_of(live)
    if replica_specs(live):
        return training_job
    return RULES.get((key.group, key.kind), _generic)


def waits(manifest: Manifest) -> bool:
    """Whether objects of this kind can be anything else than ready once they exist."""
    key = key_of(manifest)
    known = (key.group, key.kind)
    return known in RULES or (key.group not in INSTANT_GROUPS and known not in INSTANT)


def _finalizers(metadata: Mapping[str, Any]) -> str:
    names = metadata.get("finalizers") or []
    return f"waiting for finalizer {', '.join(names)}" if names else ""


def _deployment(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
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


def _replica_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: replicasetConditions."""
    want, names = spec.get("replicas", 1), ("fullyLabeledReplicas", "availableReplicas", "readyReplicas")
    have = min(status.get(name, 0) for name in names)
    failure = condition(live, "ReplicaFailure")
    if is_true(failure):
        return waiting(have, want, words(failure))
    if have >= want and status.get("replicas", 0) > want:
        return waiting(have, want, "former pods are ending")
    return counted(have, want)


def _stateful_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
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


def _daemon_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: daemonsetConditions."""
    if "desiredNumberScheduled" not in status or "observedGeneration" not in status:
        return waiting(0, None)
    want = status["desiredNumberScheduled"]
    names = ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
    return counted(min(status.get(name, 0) for name in names), want)


def _pod(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: podConditions, deviating (above)."""
    phase = status.get("phase")
    if phase == "Succeeded":
        return Readiness(State.FINISHED)
    if phase == "Failed":
        return Readiness(State.FAILED, reason=str(status.get("message") or status.get("reason") or "the pod failed"))
    return READY if is_true(condition(live, "Ready")) else waiting(0, 1)


def _claim(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: pvcConditions, deviating (above)."""
    if status.get("phase") == "Bound" or "volume.kubernetes.io/selected-node" not in _annotations(live):
        return READY if status.get("phase") != "Lost" else Readiness(State.FAILED, reason="its volume is lost")
    return waiting(reason="its volume is being made")


def _annotations(live: Manifest) -> Mapping[str, str]:
    return live["metadata"].get("annotations") or {}


def _definition(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: crdConditions."""
    named, established = condition(live, "NamesAccepted"), condition(live, "Established")
    for found in (named, established):
        if str(found.get("status")) == "False" and found.get("reason") != "Installing":
            return Readiness(State.FAILED, reason=words(found))
    return READY if is_true(established) else waiting(reason="not established yet")


def _budget(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: pdbConditions."""
    return READY if "observedGeneration" in status else waiting()


def _namespace(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    return READY if status.get("phase", "Active") == "Active" else Readiness(State.TERMINATING)


def _webhook(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    configs = [hook.get("clientConfig") or {} for hook in live.get("webhooks") or []]
    lacking = [config for config in configs if config.get("service") and not config.get("caBundle")]
    return waiting(reason="its caBundle is not filled in yet") if lacking else READY


def _autoscaler(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    able = condition(live, "AbleToScale")
    return waiting(reason=words(able)) if able and not is_true(able) else READY


def _generic(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: checkReadyCondition (generic.go): Unknown is not ready either, and none at all is."""
    ready = condition(live, "Ready")
    return waiting(reason=words(ready)) if ready and not is_true(ready) else READY


WEBHOOKS = "admissionregistration.k8s.io"
RULES: Mapping[tuple[str, str], Rule] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Namespace"): _namespace,
    ("batch", "Job"): job,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("policy", "PodDisruptionBudget"): _budget,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    (WEBHOOKS, "ValidatingWebhookConfiguration"): _webhook,
    (WEBHOOKS, "MutatingWebhookConfiguration"): _webhook,
    ("trainer.kubeflow.org", "TrainJob"): train_job,
    ("sparkoperator.k8s.io", "SparkApplication"): spark_application,
}
INSTANT_GROUPS = frozenset(
    {"rbac.authorization.k8s.io", "networking.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "node.k8s.io"},
)
INSTANT = frozenset(
    {("", kind) for kind in ("ConfigMap", "Secret", "ServiceAccount", "Service", "ResourceQuota", "LimitRange")}
    | {("batch", "CronJob")},
)
