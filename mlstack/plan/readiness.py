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

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mlstack.compose.manifests import Manifest, key_of


class State(StrEnum):
    """Where an object stands on its way."""

    WAITING = "waiting"
    READY = "ready"
    FINISHED = "finished"  # a run that ended well
    FAILED = "failed"
    TERMINATING = "terminating"


@dataclass(frozen=True)
class Readiness:
    """`progress`: "0/1" where the kind counts; `reason`: why not ready, as far as the object itself tells."""

    state: State
    progress: str = ""
    reason: str = ""

    @property
    def ready(self) -> bool:
        """Whether nobody needs to wait for it any more."""
        return self.state in (State.READY, State.FINISHED)


READY = Readiness(State.READY)
NO_DEADLINE = 2**31 - 1  # progressDeadlineSeconds of a Deployment that has none
Rule = Callable[[Manifest, Mapping[str, Any], Mapping[str, Any]], Readiness]


def readiness(live: Manifest) -> Readiness:
    """The state of a live object by its own fields."""
    metadata, status = live["metadata"], live.get("status") or {}
    if metadata.get("deletionTimestamp"):
        return Readiness(State.TERMINATING, reason=_finalizers(metadata))
    generation = metadata.get("generation")
    if generation is not None and status.get("observedGeneration", generation) != generation:
        return waiting(reason="its controller has not seen the change yet")
    stalled = condition(live, "Stalled")
    if _true(stalled):
        return Readiness(State.FAILED, reason=_words(stalled))
    reconciling = condition(live, "Reconciling")
    if _true(reconciling):
        return waiting(reason=_words(reconciling))
    return rule_for(live)(live, live.get("spec") or {}, status)


def rule_for(live: Manifest) -> Rule:
    """The rule of the object's kind, the generic one where the table has none."""
    key = key_of(live)
    if replica_specs(live):
        return _training_job
    return RULES.get((key.group, key.kind), _generic)


def waits(manifest: Manifest) -> bool:
    """Whether objects of this kind can be anything else than ready once they exist."""
    key = key_of(manifest)
    known = (key.group, key.kind)
    return known in RULES or (key.group not in INSTANT_GROUPS and known not in INSTANT)


def waiting(have: int | None = None, want: int | None = None, reason: str = "") -> Readiness:
    """Not there yet, with the count if there is one."""
    return Readiness(State.WAITING, "" if want is None else f"{have or 0}/{want}", reason)


def condition(live: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """The condition of this type, or an empty mapping. By type, never by position."""
    conditions: Iterable[Mapping[str, Any]] = (live.get("status") or {}).get("conditions") or []
    return next((found for found in conditions if found.get("type") == kind), {})


def _true(found: Mapping[str, Any]) -> bool:
    return str(found.get("status")) == "True"


def _words(found: Mapping[str, Any]) -> str:
    return str(found.get("message") or found.get("reason") or "")


def _finalizers(metadata: Mapping[str, Any]) -> str:
    names = metadata.get("finalizers") or []
    return f"waiting for finalizer {', '.join(names)}" if names else ""


def _deployment(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: deploymentConditions."""
    want = spec.get("replicas", 1)
    progressing, refused = condition(live, "Progressing"), condition(live, "ReplicaFailure")
    if progressing.get("reason") == "ProgressDeadlineExceeded":
        return Readiness(State.FAILED, f"{status.get('availableReplicas', 0)}/{want}", _words(progressing))
    updated, available = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    if "observedGeneration" not in status or min(status.get("replicas", 0), updated) < want:
        return waiting(min(updated, available), want, _words(refused) if _true(refused) else "")
    if status.get("replicas", 0) > want:
        return waiting(available, want, "former pods are ending")
    counted = _counted(min(available, status.get("readyReplicas", 0)), want)
    return counted if not counted.ready else _rolled_out(live, spec, counted)


def _rolled_out(live: Manifest, spec: Mapping[str, Any], counted: Readiness) -> Readiness:
    """What the conditions have to say once the counts are right: without a deadline Progressing is never set."""
    progressing = condition(live, "Progressing")
    deadline = spec.get("progressDeadlineSeconds", NO_DEADLINE) != NO_DEADLINE
    if deadline and not (_true(progressing) and progressing.get("reason") == "NewReplicaSetAvailable"):
        return Readiness(State.WAITING, counted.progress, "its new pods are not available yet")
    if not _true(condition(live, "Available")):
        return Readiness(State.WAITING, counted.progress, "it is not available yet")
    return counted


def _counted(have: int, want: int, reason: str = "") -> Readiness:
    if have < want:
        return waiting(have, want, reason)
    return Readiness(State.READY, f"{have}/{want}")


def _replica_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: replicasetConditions."""
    want, names = spec.get("replicas", 1), ("fullyLabeledReplicas", "availableReplicas", "readyReplicas")
    have = min(status.get(name, 0) for name in names)
    failure = condition(live, "ReplicaFailure")
    if _true(failure):
        return waiting(have, want, _words(failure))
    if have >= want and status.get("replicas", 0) > want:
        return waiting(have, want, "former pods are ending")
    return _counted(have, want)


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
        return _counted(status.get("updatedReplicas", 0), max(want - partition, 0))
    if status.get("currentReplicas", 0) < want or status.get("currentRevision") != status.get("updateRevision"):
        return waiting(status.get("updatedReplicas", 0), want, "former pods are ending")
    return Readiness(State.READY, f"{have}/{want}")


def _daemon_set(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: daemonsetConditions."""
    if "desiredNumberScheduled" not in status or "observedGeneration" not in status:
        return waiting(0, None)
    want = status["desiredNumberScheduled"]
    names = ("currentNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady")
    return _counted(min(status.get(name, 0) for name in names), want)


def _pod(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: podConditions, deviating (above)."""
    phase = status.get("phase")
    if phase == "Succeeded":
        return Readiness(State.FINISHED)
    if phase == "Failed":
        return Readiness(State.FAILED, reason=str(status.get("message") or status.get("reason") or "the pod failed"))
    return READY if _true(condition(live, "Ready")) else waiting(0, 1)


def _claim(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: pvcConditions, deviating (above)."""
    if status.get("phase") == "Bound" or "volume.kubernetes.io/selected-node" not in _annotations(live):
        return READY if status.get("phase") != "Lost" else Readiness(State.FAILED, reason="its volume is lost")
    return waiting(reason="its volume is being made")


def _annotations(live: Manifest) -> Mapping[str, str]:
    return live["metadata"].get("annotations") or {}


def _job(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: jobConditions, deviating (above)."""
    failed = condition(live, "Failed") or condition(live, "FailureTarget")  # its pods are being ended: it is lost
    if _true(failed):
        return Readiness(State.FAILED, reason=_words(failed))
    if _true(condition(live, "Complete")):
        return Readiness(State.FINISHED)
    if _true(condition(live, "Suspended")):
        return _suspended(live)
    want = min(spec.get("parallelism", 1), spec.get("completions") or spec.get("parallelism", 1))
    return _counted(status.get("ready", 0) + status.get("succeeded", 0), want)


QUEUE = "kueue.x-k8s.io/queue-name"
IN_QUEUE = "waits in queue "


def _suspended(live: Manifest) -> Readiness:
    """Ready, as kstatus has it, for whoever suspends a job means it; in a queue it waits for its turn."""
    queue = (live["metadata"].get("labels") or {}).get(QUEUE)
    return waiting(reason=f"{IN_QUEUE}{queue}") if queue else READY


def replica_specs(live: Manifest) -> Mapping[str, Any]:
    """The replica specs of a Kubeflow training job by role, empty for other kinds."""
    if key_of(live).group != "kubeflow.org":
        return {}
    spec = live.get("spec") or {}
    found: Mapping[str, Any] = next((spec[name] for name in spec if name.endswith("ReplicaSpecs")), {})
    return found


def _training_job(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """The job's own Running is true as soon as one pod runs: count them (training-operator v1.9.4)."""
    for kind, state in (("Failed", State.FAILED), ("Succeeded", State.FINISHED)):
        if _true(condition(live, kind)):
            return Readiness(state, reason=_words(condition(live, kind)) if state is State.FAILED else "")
    if _true(condition(live, "Suspended")):
        return _suspended(live)
    want = sum(int(role.get("replicas", 1)) for role in replica_specs(live).values())
    counts = (status.get("replicaStatuses") or {}).values()
    have = sum(role.get("active", 0) + role.get("succeeded", 0) for role in counts)
    return _counted(have, want, "" if condition(live, "Created") else "no operator has seen it yet")


def _definition(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: crdConditions."""
    named, established = condition(live, "NamesAccepted"), condition(live, "Established")
    for found in (named, established):
        if str(found.get("status")) == "False" and found.get("reason") != "Installing":
            return Readiness(State.FAILED, reason=_words(found))
    return READY if _true(established) else waiting(reason="not established yet")


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
    return waiting(reason=_words(able)) if able and not _true(able) else READY


def _train_job(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    if _true(condition(live, "Failed")):
        return Readiness(State.FAILED, reason=_words(condition(live, "Failed")))
    if _true(condition(live, "Complete")):
        return Readiness(State.FINISHED)
    if _true(condition(live, "Suspended")):
        return _suspended(live)
    roles = status.get("jobsStatus") or []
    started = [role for role in roles if role.get("ready", 0) + role.get("succeeded", 0) > 0]
    return _counted(len(started), max(len(roles), 1), "" if status else "no trainer has seen it yet")


SPARK_ENDED = {"COMPLETED": State.FINISHED, "FAILED": State.FAILED}  # after SUBMISSION_FAILED and FAILING it may retry


def _spark(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    application = status.get("applicationState") or {}
    state = str(application.get("state", ""))
    error = str(application.get("errorMessage") or "")
    if state in SPARK_ENDED:
        return Readiness(SPARK_ENDED[state], reason=error)
    if state == "SUSPENDED":
        return _suspended(live)
    if state != "RUNNING":
        return waiting(reason=error or state.lower().replace("_", " ") or "no operator has seen it yet")
    executors = list((status.get("executorState") or {}).values())
    dynamic = (spec.get("dynamicAllocation") or {}).get("enabled")
    want = 1 + (0 if dynamic else (spec.get("executor") or {}).get("instances", 1))  # the driver, too
    return _counted(min(1 + executors.count("RUNNING") + executors.count("COMPLETED"), want), want)


def _generic(live: Manifest, spec: Mapping[str, Any], status: Mapping[str, Any]) -> Readiness:
    """kstatus: checkReadyCondition (generic.go): Unknown is not ready either, and none at all is."""
    ready = condition(live, "Ready")
    return waiting(reason=_words(ready)) if ready and not _true(ready) else READY


WEBHOOKS = "admissionregistration.k8s.io"
RULES: Mapping[tuple[str, str], Rule] = {
    ("apps", "Deployment"): _deployment,
    ("apps", "StatefulSet"): _stateful_set,
    ("apps", "DaemonSet"): _daemon_set,
    ("apps", "ReplicaSet"): _replica_set,
    ("", "Pod"): _pod,
    ("", "PersistentVolumeClaim"): _claim,
    ("", "Namespace"): _namespace,
    ("batch", "Job"): _job,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): _definition,
    ("policy", "PodDisruptionBudget"): _budget,
    ("autoscaling", "HorizontalPodAutoscaler"): _autoscaler,
    (WEBHOOKS, "ValidatingWebhookConfiguration"): _webhook,
    (WEBHOOKS, "MutatingWebhookConfiguration"): _webhook,
    ("trainer.kubeflow.org", "TrainJob"): _train_job,
    ("sparkoperator.k8s.io", "SparkApplication"): _spark,
}
INSTANT_GROUPS = frozenset(
    {"rbac.authorization.k8s.io", "networking.k8s.io", "scheduling.k8s.io", "storage.k8s.io", "node.k8s.io"},
)
INSTANT = frozenset(
    {("", kind) for kind in ("ConfigMap", "Secret", "ServiceAccount", "Service", "ResourceQuota", "LimitRange")}
    | {("batch", "CronJob")},
)
