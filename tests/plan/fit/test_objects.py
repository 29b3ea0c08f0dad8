from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.asks import asks
from mlstack.plan.fit.fit import Verdict, fit, objects_refused
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.objects import counted, plural_of
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

POD: dict[str, Any] = {"spec": {"containers": [{"name": "c", "resources": {"requests": {"cpu": "1"}}}]}}


def _object(api_version: str, kind: str, spec: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}, "spec": spec or {}}


def _claim(storage: str = "5Gi", **spec: Any) -> dict[str, Any]:
    return _object("v1", "PersistentVolumeClaim", {"resources": {"requests": {"storage": storage}}, **spec})


JOB = _object("batch/v1", "Job", {"template": POD, "parallelism": 3})
WEB = _object("apps/v1", "Deployment", {"template": POD, "replicas": 2})
STATEFUL = _object("apps/v1", "StatefulSet", {"template": POD, "replicas": 3, "volumeClaimTemplates": [_claim()]})
ROLES = {"Master": {"replicas": 1, "template": POD}, "Worker": {"replicas": 3, "template": POD}}
TORCH = _object("kubeflow.org/v1", "PyTorchJob", {"pytorchReplicaSpecs": ROLES})
MPI = _object(
    "kubeflow.org/v1", "MPIJob", {"mpiReplicaSpecs": {"Launcher": ROLES["Master"], "Worker": ROLES["Worker"]}}
)
CONFIG = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x"}}
BALANCED = _object("v1", "Service", {"type": "LoadBalancer", "ports": [{"port": 1}, {"port": 2}]})
STANDARD = {
    "metadata": {"name": "std", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "example.com/disks",
    "volumeBindingMode": "WaitForFirstConsumer",
}


@pytest.mark.parametrize(
    ("manifests", "entry", "number"),
    [
        ([JOB], "count/jobs.batch", 1),
        ([JOB], "count/replicasets.apps", 0),
        ([WEB], "count/deployments.apps", 1),
        ([WEB], "count/replicasets.apps", 1),
        ([WEB], "pods", 2),
        ([STATEFUL], "count/controllerrevisions.apps", 1),
        ([STATEFUL], "persistentvolumeclaims", 3),
        ([STATEFUL], "requests.storage", 15 * 2**30),
        ([STATEFUL], "std.storageclass.storage.k8s.io/requests.storage", 15 * 2**30),
        ([TORCH], "count/pytorchjobs.kubeflow.org", 1),
        ([TORCH], "services", 4),
        ([TORCH], "count/services", 4),
        ([MPI], "configmaps", 1),
        ([MPI], "count/rolebindings.rbac.authorization.k8s.io", 1),
        ([MPI], "services", 0),
        ([JOB, CONFIG, CONFIG], "configmaps", 2),
        ([JOB, SECRET], "count/secrets", 1),
        ([JOB, BALANCED], "services.nodeports", 2),
        ([JOB, BALANCED], "services.loadbalancers", 1),
        ([JOB, _claim(storageClassName="gold")], "gold.storageclass.storage.k8s.io/persistentvolumeclaims", 1),
        ([JOB, _claim(storageClassName="gold")], "std.storageclass.storage.k8s.io/persistentvolumeclaims", 0),
        ([JOB, _claim(storageClassName="")], "std.storageclass.storage.k8s.io/persistentvolumeclaims", 0),
    ],
)
def test_just_enough_of_a_quota(build: Build, manifests: list[Any], entry: str, number: int) -> None:
    """F31: with one less than it takes it does not fit, with as much it does."""
    asked = asks("web", manifests, "ml")
    nodes = rooms([build.node(f"n-{n}", allocatable={"ephemeral-storage": "100Gi"}) for n in range(4)], [])
    for hard, verdict in ((number, Verdict.FITS), (number - 1, Verdict.NOT)):
        quota = {"metadata": {"name": "q"}, "spec": {"hard": {entry: str(hard)}}}
        found = fit(View(nodes, quotas=[quota], storage=Storage(classes={"std": STANDARD})), asked)
        assert hard < 0 or {one.verdict for one in found if one.told or verdict is Verdict.FITS} == {verdict}


def test_components_without_pods_are_refused_too() -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"secrets": "0"}}}
    assert objects_refused(View([], quotas=[quota]), asks("keys", [SECRET], "ml")) == {
        "keys": "ResourceQuota/q has 0 of 0 secrets left, and 1 is asked"
    }
    assert objects_refused(View([], quotas=[quota]), asks("job", [JOB, SECRET], "ml")) == {}  # fit says it


@pytest.mark.parametrize(
    ("item", "told"),
    [
        (
            {"min": {"storage": "10Gi"}},
            "PersistentVolumeClaim x asks less storage than the 10Gi that LimitRange/lr demands",
        ),
        (
            {"max": {"storage": "1Gi"}},
            "PersistentVolumeClaim x asks more storage than the 1Gi that LimitRange/lr allows",
        ),
        ({"min": {"storage": "5Gi"}, "max": {"storage": "5Gi"}}, ""),
    ],
)
@pytest.mark.parametrize("manifests", [[JOB, _claim()], [STATEFUL]])
def test_limit_ranges_of_claims(build: Build, manifests: list[Any], item: dict[str, Any], told: str) -> None:
    limits = {"metadata": {"name": "lr"}, "spec": {"limits": [{"type": "PersistentVolumeClaim", **item}]}}
    (found,) = fit(View(rooms([build.node("n")], []), ranges=[limits]), asks("web", manifests, "ml"))
    assert found.told == told


def test_what_an_unknown_operator_makes_is_not_guessed(build: Build) -> None:
    spark = {"apiVersion": "example.com/v1", "kind": "Magic", "metadata": {"name": "x"}, "spec": {"template": POD}}
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"count/services": "9"}}}
    for quotas, verdict in (([quota], Verdict.UNKNOWN), ([], Verdict.FITS)):
        (found,) = fit(View(rooms([build.node("n")], []), quotas=quotas), asks("web", [spark], "ml"))
        assert found.verdict is verdict


@pytest.mark.parametrize(
    ("kind", "plural"),
    [("Job", "jobs"), ("NetworkPolicy", "networkpolicies"), ("Ingress", "ingresses"), ("Endpoints", "endpoints")],
)
def test_resources_of_kinds(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


def test_names_that_quotas_had_before() -> None:
    assert counted("v1", "Secret") == {"count/secrets": 1, "secrets": 1}
    assert counted("batch/v1", "Job") == {"count/jobs.batch": 1}
