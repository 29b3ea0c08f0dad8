from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Manifest
from mlstack.plan.readiness import Readiness, State, readiness, waits

W, R, F, X = State.WAITING, State.READY, State.FINISHED, State.FAILED


def make(api: str, kind: str, spec: Any = None, status: Any = None, **metadata: Any) -> Manifest:
    return {
        "apiVersion": api,
        "kind": kind,
        "metadata": {"name": "x", **metadata},
        "spec": spec or {},
        "status": status,
    }


def conditions(**found: str) -> dict[str, Any]:
    return {"conditions": [{"type": kind, "status": status, "message": f"{kind}!"} for kind, status in found.items()]}


def counted(**counts: int) -> dict[str, Any]:
    return {"observedGeneration": 0, **counts}


AVAILABLE = conditions(Available="True")
DEPLOYED = counted(replicas=2, updatedReplicas=2, availableReplicas=2, readyReplicas=2) | AVAILABLE
ROLLED_OUT = {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}
STATEFUL = counted(replicas=1, readyReplicas=1, updatedReplicas=1, currentReplicas=1)
DAEMONS = counted(
    desiredNumberScheduled=2, currentNumberScheduled=2, updatedNumberScheduled=2, numberAvailable=2, numberReady=2
)
SET = counted(replicas=2, fullyLabeledReplicas=2, availableReplicas=2, readyReplicas=2)


def roll_out(*found: dict[str, str]) -> dict[str, Any]:
    """A Deployment with right counts, a deadline, and these conditions besides Available."""
    status = {**DEPLOYED, "conditions": [*AVAILABLE["conditions"], *found]}
    return make("apps/v1", "Deployment", {"replicas": 2, "progressDeadlineSeconds": 600}, status)


TFJOB = {"tfReplicaSpecs": {"Worker": {"replicas": 2}, "PS": {}}}


def tfjob(**status: Any) -> Manifest:
    return make("kubeflow.org/v1", "TFJob", TFJOB, {**conditions(Created="True"), **status})


DEADLINE = {"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}

# Where the rule of each row stands, by the row's first word: kstatus's is sigs.k8s.io/cli-utils pkg/kstatus/status.
SOURCES = {
    "generic": "kstatus generic.go: checkGenericProperties, checkGeneration, checkReadyCondition",
    "always": "kstatus core.go: alwaysReady",
    "deployment": "kstatus core.go: deploymentConditions",
    "stateful": "kstatus core.go: stsConditions",
    "daemon": "kstatus core.go: daemonsetConditions, checkGenerationSet",
    "replica": "kstatus core.go: replicasetConditions",
    "pod": "kstatus core.go: podConditions, getCrashLoopingContainers",
    "claim": "kstatus core.go: pvcConditions",
    "service": "kstatus core.go: serviceConditions",
    "job": "kstatus core.go: jobConditions",
    "apiservice": "API conventions of kube-aggregator: status.conditions[Available]; kstatus: current at once",
    "crd": "kstatus core.go: crdConditions",
    "budget": "kstatus core.go: pdbConditions",
    "namespace": "Kubernetes: NamespaceStatus.phase",
    "autoscaler": "Kubernetes: HorizontalPodAutoscalerStatus.conditions",
    "tfjob": "kubeflow/training-operator v1.9.4: JobStatus",
    "mpijob": "kubeflow/training-operator v1.9.4: JobStatus",
    "trainjob": "kubeflow/trainer: TrainJobStatus",
    "spark": "kubeflow/spark-operator: ApplicationState",
}
# Where ours says something else on purpose (the reasons stand at the head of readiness.py), and what kstatus says.
DEVIATIONS = {
    "deployment not observed": "Current",
    "stateful not observed": "Current",
    "budget not observed": "Current",
    "pod failed": "Current",
    "pod in a crash loop": "Failed",
    "pod that no node takes": "Failed",
    "claim waits for its first consumer": "InProgress",
    "claim lost": "InProgress",
    "job not started": "InProgress until it has a startTime, Current from then on",
    "job being failed": "Current",
    "job in a queue": "Current",
    "generic stalled and reconciling": "whichever stands first",
}

# Each rule of kstatus broken once, then our own kinds.
TABLE = [
    ("deployment unseen", make("apps/v1", "Deployment", {"replicas": 2}, {}), W, "0/2"),
    ("deployment ready", make("apps/v1", "Deployment", {"replicas": 2}, DEPLOYED), R, "2/2"),
    ("deployment rolling", make("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "replicas": 3}), W, "2/2"),
    ("deployment old pods only", make("apps/v1", "Deployment", {}, counted(replicas=1, readyReplicas=1)), W, "0/1"),
    ("deployment to zero", make("apps/v1", "Deployment", {"replicas": 0}, counted() | AVAILABLE), R, "0/0"),
    ("deployment rolled out", roll_out(ROLLED_OUT), R, "2/2"),
    ("deployment whose new pods are not there", roll_out({**ROLLED_OUT, "reason": "ReplicaSetUpdated"}), W, "2/2"),
    ("deployment without Progressing", roll_out(), W, "2/2"),
    ("deployment without a deadline", make("apps/v1", "Deployment", {"replicas": 2, "progressDeadlineSeconds":
     2147483647}, DEPLOYED), R, "2/2"),
    ("deployment not available", make("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, **conditions(
     Available="False")}), W, "2/2"),
    ("deployment partly available", make("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "availableReplicas":
     1}), W, "1/2"),
    ("deployment partly ready", make("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "readyReplicas": 1}), W,
     "1/2"),
    ("deployment partly updated", make("apps/v1", "Deployment", {"replicas": 2}, {**DEPLOYED, "updatedReplicas": 1}),
     W, "1/2"),
    ("deployment that may not make pods", make("apps/v1", "Deployment", {}, {**counted(), **conditions(
     ReplicaFailure="True")}), W, "0/1"),
    ("generic without a generation", make("a.b/v1", "Thing", {}, {"observedGeneration": 5}), R, ""),
    ("deployment stuck", make("apps/v1", "Deployment", {}, DEADLINE), X, "0/1"),
    ("generic of an old generation", make("apps/v1", "Deployment", {}, {"observedGeneration": 1}, generation=2), W, ""),
    ("generic being deleted", make("v1", "ConfigMap", deletionTimestamp="now"), State.TERMINATING, ""),
    ("generic stalled and reconciling", make("a.b/v1", "Thing", {}, conditions(Reconciling="True", Stalled="True")), X,
     ""),
    ("generic ready unknown", make("a.b/v1", "Thing", {}, conditions(Ready="Unknown")), W, ""),
    ("generic stalled", make("a.b/v1", "Thing", {}, conditions(Stalled="True")), X, ""),
    ("generic reconciling", make("a.b/v1", "Thing", {}, conditions(Reconciling="True")), W, ""),
    ("generic not ready", make("a.b/v1", "Thing", {}, conditions(Ready="False")), W, ""),
    ("generic ready", make("a.b/v1", "Thing", {}, conditions(Ready="True")), R, ""),
    ("generic that says nothing", make("a.b/v1", "Thing"), R, ""),
    *((f"always ready: {kind}", make(api, kind), R, "") for api, kind in (("v1", "ConfigMap"), ("v1", "Secret"),
      ("batch/v1", "CronJob"))),
    ("deployment not observed", make("apps/v1", "Deployment", {"replicas": 0}, AVAILABLE), W, "0/0"),
    ("deployment of an old generation", make("apps/v1", "Deployment", {"replicas": 2}, DEPLOYED, generation=1), W, ""),
    ("stateful not observed", make("apps/v1", "StatefulSet", {"replicas": 0}, {}), W, "0/0"),
    ("stateful ready", make("apps/v1", "StatefulSet", {"replicas": 1}, STATEFUL), R, "1/1"),
    ("stateful waiting", make("apps/v1", "StatefulSet", {"replicas": 2}, STATEFUL), W, "1/2"),
    ("stateful on delete", make("apps/v1", "StatefulSet", {"updateStrategy": {"type": "OnDelete"}}, {}), R, ""),
    ("stateful rolling", make("apps/v1", "StatefulSet", {}, {**STATEFUL, "updateRevision": "2"}), W, "1/1"),
    ("stateful with too many pods", make("apps/v1", "StatefulSet", {}, {**STATEFUL, "replicas": 2}), W, "1/1"),
    ("stateful with pods of no revision", make("apps/v1", "StatefulSet", {}, {**STATEFUL, "currentReplicas": 0}), W,
     "1/1"),
    ("stateful partition not updated", make("apps/v1", "StatefulSet", {"replicas": 2, "updateStrategy":
     {"rollingUpdate": {"partition": 0}}}, {**STATEFUL, "replicas": 2, "readyReplicas": 2}), W, "1/2"),
    ("stateful partition", make("apps/v1", "StatefulSet", {"replicas": 1, "updateStrategy":
     {"rollingUpdate": {"partition": 1}}}, {**STATEFUL, "updateRevision": "2"}), R, "1/0"),
    ("daemon unseen", make("apps/v1", "DaemonSet", {}, {}), W, ""),
    ("daemon ready", make("apps/v1", "DaemonSet", {}, DAEMONS), R, "2/2"),
    ("daemon not observed", make("apps/v1", "DaemonSet", {}, {"desiredNumberScheduled": 0}), W, ""),
    *((f"daemon by {name}", make("apps/v1", "DaemonSet", {}, {**DAEMONS, name: 1}), W, "1/2")
      for name in DAEMONS if name not in ("desiredNumberScheduled", "observedGeneration")),
    ("replica set unseen", make("apps/v1", "ReplicaSet", {}, {}), W, "0/1"),
    ("replica set", make("apps/v1", "ReplicaSet", {"replicas": 2}, SET), R, "2/2"),
    *((f"replica set by {name}", make("apps/v1", "ReplicaSet", {"replicas": 2}, {**SET, name: 1}), W, "1/2")
      for name in ("fullyLabeledReplicas", "availableReplicas", "readyReplicas")),
    ("replica set with too many pods", make("apps/v1", "ReplicaSet", {"replicas": 2}, {**SET, "replicas": 3}), W,
     "2/2"),
    ("replica set that may not make pods", make("apps/v1", "ReplicaSet", {"replicas": 2}, {**SET, **conditions(
     ReplicaFailure="True")}), W, "2/2"),
    ("pod unseen", make("v1", "Pod"), W, "0/1"),
    ("pod running and not ready", make("v1", "Pod", {}, {"phase": "Running", **conditions(Ready="False")}), W, "0/1"),
    ("pod in a crash loop", make("v1", "Pod", {}, {"phase": "Running", **conditions(Ready="False"),
     "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}), W, "0/1"),
    ("pod that no node takes", make("v1", "Pod", {}, {"phase": "Pending", "conditions": [
     {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]}), W, "0/1"),
    ("pod running", make("v1", "Pod", {}, {"phase": "Running", **conditions(Ready="True")}), R, ""),
    ("pod pending", make("v1", "Pod", {}, {"phase": "Pending"}), W, "0/1"),
    ("pod done", make("v1", "Pod", {}, {"phase": "Succeeded"}), F, ""),
    ("pod failed", make("v1", "Pod", {}, {"phase": "Failed"}), X, ""),
    ("claim waits for its first consumer", make("v1", "PersistentVolumeClaim", {}, {"phase": "Pending"}), R, ""),
    ("claim bound", make("v1", "PersistentVolumeClaim", {}, {"phase": "Bound"},
     annotations={"volume.kubernetes.io/selected-node": "n"}), R, ""),
    ("claim being provisioned", make("v1", "PersistentVolumeClaim", {}, {"phase": "Pending"},
     annotations={"volume.kubernetes.io/selected-node": "n"}), W, ""),
    ("claim lost", make("v1", "PersistentVolumeClaim", {}, {"phase": "Lost"}), X, ""),
    ("service", make("v1", "Service", {"type": "ClusterIP"}, {}), R, ""),
    ("service without an address", make("v1", "Service", {"type": "LoadBalancer"}, {}), R, ""),
    ("job not started", make("batch/v1", "Job", {"parallelism": 2, "completions": 2}, {}), W, "0/2"),
    ("job with some pods", make("batch/v1", "Job", {"parallelism": 2, "completions": 2}, {"ready": 1}), W, "1/2"),
    ("job with all pods", make("batch/v1", "Job", {"parallelism": 2, "completions": 3}, {"ready": 1, "succeeded": 1}),
     R, "2/2"),
    ("job done", make("batch/v1", "Job", {}, conditions(Complete="True")), F, ""),
    ("job failed", make("batch/v1", "Job", {}, conditions(Failed="True")), X, ""),
    ("job being failed", make("batch/v1", "Job", {}, conditions(FailureTarget="True")), X, ""),
    ("job suspended", make("batch/v1", "Job", {}, conditions(Suspended="True")), R, ""),
    ("job in a queue", make("batch/v1", "Job", {}, conditions(Suspended="True"), labels={"kueue.x-k8s.io/queue-name":
     "q"}), W, ""),
    ("tfjob in a queue", make("kubeflow.org/v1", "TFJob", TFJOB, conditions(Suspended="True"),
     labels={"kueue.x-k8s.io/queue-name": "q"}), W, ""),
    ("apiservice unseen", make("apiregistration.k8s.io/v1", "APIService"), W, ""),
    ("apiservice down", make("apiregistration.k8s.io/v1", "APIService", {}, conditions(Available="False")), W, ""),
    ("apiservice", make("apiregistration.k8s.io/v1", "APIService", {}, conditions(Available="True")), R, ""),
    ("crd unseen", make("apiextensions.k8s.io/v1", "CustomResourceDefinition"), W, ""),
    ("crd", make("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, conditions(NamesAccepted="True")), W, ""),
    ("crd established", make("apiextensions.k8s.io/v1", "CustomResourceDefinition", {},
     conditions(NamesAccepted="True", Established="True")), R, ""),
    ("crd being installed", make("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, {"conditions": [
     {"type": "Established", "status": "False", "reason": "Installing"}]}), W, ""),
    ("crd not accepted", make("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, conditions(
     Established="False")), X, ""),
    ("crd refused", make("apiextensions.k8s.io/v1", "CustomResourceDefinition", {}, conditions(NamesAccepted="False")),
     X, ""),
    ("budget not observed", make("policy/v1", "PodDisruptionBudget", {}, {}), W, ""),
    ("budget of an old generation", make("policy/v1", "PodDisruptionBudget", {}, {"observedGeneration": 1},
     generation=2), W, ""),
    ("budget", make("policy/v1", "PodDisruptionBudget", {}, {"observedGeneration": 0}), R, ""),
    ("namespace", make("v1", "Namespace", {}, {"phase": "Active"}), R, ""),
    ("namespace going", make("v1", "Namespace", {}, {"phase": "Terminating"}), State.TERMINATING, ""),
    ("autoscaler", make("autoscaling/v2", "HorizontalPodAutoscaler", {}, conditions(AbleToScale="False")), W, ""),
    ("tfjob unseen", make("kubeflow.org/v1", "TFJob", TFJOB), W, "0/3"),
    ("tfjob with one pod of three", tfjob(replicaStatuses={"Worker": {"active": 1}}), W, "1/3"),
    ("tfjob with all pods", tfjob(replicaStatuses={"Worker": {"active": 1, "succeeded": 1}, "PS": {"active": 1}}), R,
     "3/3"),
    ("tfjob done", make("kubeflow.org/v1", "TFJob", TFJOB, conditions(Running="False", Succeeded="True")), F, ""),
    ("tfjob failed", make("kubeflow.org/v1", "TFJob", TFJOB, conditions(Failed="True", Running="False")), X, ""),
    ("mpijob", make("kubeflow.org/v1", "MPIJob", {"mpiReplicaSpecs": {"Launcher": {"replicas": 1}}},
     {"replicaStatuses": {"Launcher": {"active": 1}}}), R, "1/1"),
    ("trainjob", make("trainer.kubeflow.org/v1alpha1", "TrainJob", {}, {"jobsStatus": [{"ready": 1}, {}]}), W, "1/2"),
    ("trainjob done", make("trainer.kubeflow.org/v1alpha1", "TrainJob", {}, conditions(Complete="True")), F, ""),
    ("trainjob unseen", make("trainer.kubeflow.org/v1alpha1", "TrainJob", {}, {}), W, "0/1"),
    ("trainjob suspended", make("trainer.kubeflow.org/v1alpha1", "TrainJob", {}, conditions(Suspended="True")), R, ""),
    ("trainjob queued", make("trainer.kubeflow.org/v1alpha1", "TrainJob", {}, conditions(Suspended="True"),
     labels={"kueue.x-k8s.io/queue-name": "team-a"}), W, ""),
    ("trainjob failed", make("trainer.kubeflow.org/v1alpha1", "TrainJob", {}, conditions(Failed="True")), X, ""),
    ("spark", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {"executor": {"instances": 2}},
     {"applicationState": {"state": "RUNNING"}, "executorState": {"a": "RUNNING", "b": "COMPLETED"}}), R, "3/3"),
    ("spark starting executors", make("sparkoperator.k8s.io/v1beta2", "SparkApplication",
     {"executor": {"instances": 2}},
     {"applicationState": {"state": "RUNNING"}, "executorState": {"a": "FAILED", "b": "RUNNING", "c": "PENDING"}}),
     W, "2/3"),
    ("spark with as many executors as it likes", make("sparkoperator.k8s.io/v1beta2", "SparkApplication",
     {"executor": {"instances": 2}, "dynamicAllocation": {"enabled": True}},
     {"applicationState": {"state": "RUNNING"}, "executorState": {"a": "RUNNING"}}), R, "1/1"),
    ("spark unseen", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {}, {}), W, ""),
    ("spark not submitted", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {},
     {"applicationState": {"state": "SUBMISSION_FAILED"}}), W, ""),
    ("spark done", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {},
     {"applicationState": {"state": "COMPLETED"}}), F, ""),
    ("spark suspended", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {},
     {"applicationState": {"state": "SUSPENDED"}}), R, ""),
    ("spark queued", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {},
     {"applicationState": {"state": "SUSPENDED"}}, labels={"kueue.x-k8s.io/queue-name": "team-a"}), W, ""),
    ("spark failed", make("sparkoperator.k8s.io/v1beta2", "SparkApplication", {},
     {"applicationState": {"state": "FAILED"}}), X, ""),
]  # fmt: skip


def test_every_rule_has_a_source() -> None:
    """No source is without a row, and no deviation without one of its own."""
    names = [row[0] for row in TABLE]
    assert {name.split()[0] for name in names} == set(SOURCES)
    assert len(set(names)) == len(names)
    assert set(DEVIATIONS) <= set(names)


@pytest.mark.parametrize(("live", "state", "progress"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_rule(live: Manifest, state: State, progress: str) -> None:
    found = readiness(live)
    assert (found.state, found.progress) == (state, progress)


def test_a_webhook_needs_its_bundle() -> None:
    live = make("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration")
    live["webhooks"] = [{"clientConfig": {"service": {"name": "a"}}}]
    assert readiness(live).reason == "its caBundle is not filled in yet"
    live["webhooks"][0]["clientConfig"]["caBundle"] = "YQ=="
    assert readiness(live) == Readiness(State.READY)


def test_the_reason_is_the_conditions() -> None:
    assert readiness(make("a.b/v1", "Thing", {}, conditions(Ready="False"))).reason == "Ready!"
    assert (
        readiness(make("v1", "Pod", deletionTimestamp="now", finalizers=["a/b"])).reason == "waiting for finalizer a/b"
    )


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (make("v1", "ConfigMap"), False),
        (make("rbac.authorization.k8s.io/v1", "Role"), False),
        (make("batch/v1", "CronJob"), False),
        (make("apps/v1", "Deployment"), True),
        (make("kubeflow.org/v1", "TFJob"), True),
        (make("a.b/v1", "Thing"), True),
    ],
)
def test_what_is_waited_for(manifest: Manifest, expected: bool) -> None:
    assert waits(manifest) is expected
