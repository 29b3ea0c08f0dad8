"""The kinds that mlstack treats differently from the rest, one row each: what a column says holds for all of the code.

A kind that has no row is kept in its state, judged by its own conditions, and loses nothing of which mlstack knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mlstack.compose.manifests import CLUSTER_SCOPED
from mlstack.errors import MlstackError, did_you_mean
from mlstack.plan.runrules import job, spark_application, train_job, training_job
from mlstack.plan.state import Rule
from mlstack.plan.staterules import (
    api_service,
    autoscaler,
    budget,
    claim,
    daemon_set,
    definition,
    deployment,
    namespace,
    pod,
    replica_set,
    stateful_set,
    webhook,
)

GroupKind = tuple[str, str]

TEMPLATE = "spec.template"
# Conditions that end a job, as its controller names them.
JOB_ENDS = ("Complete", "Failed")
OPERATOR_ENDS = ("Succeeded", "Failed")


@dataclass(frozen=True)
class Kind:
    """A row of the table. Paths have their steps parted by dots, `*` for each key of a map.

    `run`: it happens once instead of being kept in a state, and has ended with a condition of `final`. `templates`: its
    pod templates; `roles`: the map from roles to their replicas and templates; `replicas`: how many pods; `suspend`:
    the switch that holds it back. `rule` says when it is ready (None: by its conditions), `instant` that it is once it
    exists. `restarts`: a changed template replaces running pods. `include`: how --include calls what is deleted with
    it, "" where that is no data; `loses` says what it is, in words. `immutable`: what the API server refuses to change
    (k8s.io/kubernetes pkg/apis/*/validation, ValidateXUpdate).
    """

    group: str
    kind: str
    run: bool = False
    final: tuple[str, ...] = ()
    templates: tuple[str, ...] = ()
    roles: str = ""
    replicas: str = ""
    suspend: str = ""
    rule: Rule | None = None
    instant: bool = False
    restarts: bool = False
    include: str = ""
    loses: str = ""
    immutable: tuple[str, ...] = field(default=())

    @property
    def namespaced(self) -> bool | None:
        """Whether its objects are in a namespace; None where the table does not know the kind."""
        known = (self.group, self.kind) in TABLE or (self.group, self.kind) in CLUSTER_SCOPED
        return (self.group, self.kind) not in CLUSTER_SCOPED if known else None


def _training(kind: str, roles: str) -> Kind:
    """A job of Kubeflow's training operator."""
    return Kind(
        "kubeflow.org",
        kind,
        run=True,
        final=OPERATOR_ENDS,
        templates=(f"spec.{roles}.*.template",),
        roles=f"spec.{roles}",
        suspend="spec.runPolicy.suspend",
        rule=training_job,
    )


def _instant(kind: str, *immutable: str, group: str = "") -> Kind:
    return Kind(group, kind, instant=True, immutable=immutable)


_WORKLOADS = (
    Kind(
        "apps",
        "Deployment",
        templates=(TEMPLATE,),
        replicas="spec.replicas",
        rule=deployment,
        restarts=True,
        immutable=("spec.selector",),
    ),
    Kind(
        "apps",
        "StatefulSet",
        templates=(TEMPLATE,),
        replicas="spec.replicas",
        rule=stateful_set,
        restarts=True,
        include="statefulset",  # only one that deletes its claims (plan/losing.py)
        loses="the PersistentVolumeClaims that it deletes with itself",
        immutable=("spec.selector", "spec.serviceName", "spec.volumeClaimTemplates", "spec.podManagementPolicy"),
    ),
    Kind("apps", "DaemonSet", templates=(TEMPLATE,), rule=daemon_set, restarts=True, immutable=("spec.selector",)),
    Kind(
        "apps",
        "ReplicaSet",
        templates=(TEMPLATE,),
        replicas="spec.replicas",
        rule=replica_set,
        immutable=("spec.selector",),
    ),
    Kind("", "ReplicationController", templates=(TEMPLATE,), replicas="spec.replicas"),
    Kind("", "Pod", rule=pod, immutable=("spec",)),
    Kind("batch", "CronJob", templates=("spec.jobTemplate.spec.template",), suspend="spec.suspend", instant=True),
)

_RUNS = (
    Kind(
        "batch",
        "Job",
        run=True,
        final=JOB_ENDS,
        templates=(TEMPLATE,),
        suspend="spec.suspend",
        rule=job,
        immutable=("spec.selector", TEMPLATE, "spec.completionMode"),
    ),
    _training("TFJob", "tfReplicaSpecs"),
    _training("PyTorchJob", "pytorchReplicaSpecs"),
    _training("PaddleJob", "paddleReplicaSpecs"),
    _training("XGBoostJob", "xgbReplicaSpecs"),
    _training("JAXJob", "jaxReplicaSpecs"),
    _training("MPIJob", "mpiReplicaSpecs"),
    Kind("trainer.kubeflow.org", "TrainJob", run=True, final=JOB_ENDS, suspend="spec.suspend", rule=train_job),
    Kind("sparkoperator.k8s.io", "SparkApplication", run=True, suspend="spec.suspend", rule=spark_application),
)

_DATA = (
    Kind("", "Namespace", rule=namespace, include="namespace", loses="everything in it"),
    Kind(
        "",
        "PersistentVolumeClaim",
        rule=claim,
        include="pvc",
        loses="the data of its volume",
        immutable=(
            "spec.accessModes",
            "spec.storageClassName",
            "spec.volumeName",
            "spec.volumeMode",
            "spec.selector",
        ),
    ),
    Kind("", "PersistentVolume", include="pv", loses="the volume", immutable=("spec.volumeMode",)),
    Kind("", "Secret", instant=True, include="secret", loses="its values", immutable=("type",)),
    Kind(
        "apiextensions.k8s.io",
        "CustomResourceDefinition",
        rule=definition,
        include="crd",
        loses="every custom resource of its kind",
        immutable=("spec.group", "spec.scope", "spec.names.kind", "spec.names.plural"),
    ),
)

_WEBHOOKS = "admissionregistration.k8s.io"
_RBAC = "rbac.authorization.k8s.io"

_OTHERS = (
    *(_instant(kind) for kind in ("ConfigMap", "ServiceAccount", "ResourceQuota", "LimitRange")),
    _instant("Service", "spec.clusterIP", "spec.clusterIPs"),
    _instant("RoleBinding", "roleRef", group=_RBAC),
    _instant("ClusterRoleBinding", "roleRef", group=_RBAC),
    _instant("StorageClass", "provisioner", "parameters", "reclaimPolicy", "volumeBindingMode", group="storage.k8s.io"),
    _instant("PriorityClass", "value", "preemptionPolicy", group="scheduling.k8s.io"),
    Kind("policy", "PodDisruptionBudget", rule=budget),
    Kind("apiregistration.k8s.io", "APIService", rule=api_service),
    Kind("autoscaling", "HorizontalPodAutoscaler", rule=autoscaler),
    Kind(_WEBHOOKS, "ValidatingWebhookConfiguration", rule=webhook),
    Kind(_WEBHOOKS, "MutatingWebhookConfiguration", rule=webhook),
)

TABLE: Mapping[GroupKind, Kind] = {
    (row.group, row.kind): row for rows in (_WORKLOADS, _RUNS, _DATA, _OTHERS) for row in rows
}

RUN_KINDS = frozenset(name for name, row in TABLE.items() if row.run)
FINAL = frozenset(name for row in TABLE.values() for name in row.final)
INCLUDE_SHARED = "shared"  # what other environments of the cluster rely on (plan/sharing.py), whatever its kind
INCLUDES = tuple(sorted({row.include for row in TABLE.values()} - {""} | {INCLUDE_SHARED}))


def check_includes(words: Iterable[str]) -> None:
    """Raises MlstackError for a word that --include does not know."""
    for word in words:
        if word not in INCLUDES:
            raise MlstackError(f"include must be of {', '.join(INCLUDES)}, got {word}.", did_you_mean(word, INCLUDES))


def kind_of(group: str, kind: str) -> Kind:
    """The kind's row; an empty one for a kind that the table does not know."""
    return TABLE.get((group, kind)) or Kind(group, kind)
