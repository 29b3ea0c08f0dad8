from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.manifests import Manifest
from mlstack.plan.outside import PULL, Need, custom_kinds, needs, spawned_claims

CLASS = "storage.k8s.io/v1"


def made(kind: str, api: str = "v1", name: str = "x", **more: Any) -> Manifest:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": "n"}, **more}


def pod(**spec: Any) -> Manifest:
    container = {"name": "c", **spec.pop("container", {})}
    return made("Pod", spec={"containers": [container], **spec})


def deployment(**spec: Any) -> Manifest:
    return made("Deployment", "apps/v1", spec={"template": {"spec": pod(**spec)["spec"]}})


def claim(**spec: Any) -> Manifest:
    return made("PersistentVolumeClaim", spec=spec)


def secret(name: str, part: str = "", use: str = "") -> Need:
    return Need("a", "v1", "Secret", "n", name, part, use)


def reference(kind: str, **more: Any) -> dict[str, Any]:
    return {"env": [{"name": "T", "valueFrom": {kind: {"name": "hub", "key": "token", **more}}}]}


CONFIG = Need("a", "v1", "ConfigMap", "n", "hub", "token", "for variable T")
PROJECTED = {"name": "v", "projected": {"sources": [{"secret": {"name": "s", "items": [{"key": "k", "path": "p"}]}}]}}
SPARK = made(
    "SparkApplication",
    "sparkoperator.k8s.io/v1beta2",
    spec={"imagePullSecrets": ["reg"], "driver": {"serviceAccount": "d", **reference("secretKeyRef")}},
)
ACCOUNT = Need("a", "v1", "ServiceAccount", "n", "d")
QUEUED = made("Job", "batch/v1", spec={}) | {
    "metadata": {"name": "j", "namespace": "n", "labels": {"kueue.x-k8s.io/queue-name": "q"}}
}
TRAIN = made("TrainJob", "trainer.kubeflow.org/v1alpha1", spec={"runtimeRef": {"name": "torch-distributed"}})
RUNTIME = Need("a", "trainer.kubeflow.org/v1alpha1", "ClusterTrainingRuntime", "", "torch-distributed")

TABLE: dict[str, tuple[Manifest, list[Need]]] = {
    "a variable": (pod(container=reference("secretKeyRef")), [secret("hub", "token", "for variable T")]),
    "one that need not be": (pod(container=reference("secretKeyRef", optional=True)), []),
    "of a ConfigMap": (deployment(container=reference("configMapKeyRef")), [CONFIG]),
    "variables": (pod(container={"envFrom": [{"secretRef": {"name": "s"}}]}), [secret("s", "", "for variables")]),
    "a volume": (
        deployment(volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
        [secret("s", "", "for volume v")],
    ),
    "keys of one": (
        deployment(volumes=[{"name": "v", "secret": {"secretName": "s", "items": [{"key": "k", "path": "p"}]}}]),
        [secret("s", "k", "for volume v")],
    ),
    "a projected volume": (pod(volumes=[PROJECTED]), [secret("s", "k", "")]),
    "pull secrets": (pod(imagePullSecrets=[{"name": "reg"}]), [secret("reg", "", PULL)]),
    "an account": (pod(serviceAccountName="d"), [ACCOUNT]),
    "the account that is always there": (pod(serviceAccountName="default"), []),
    "a priority": (
        pod(priorityClassName="high"),
        [Need("a", "scheduling.k8s.io/v1", "PriorityClass", "", "high")],
    ),
    "a priority that is always there": (pod(priorityClassName="system-node-critical"), []),
    "a runtime": (pod(runtimeClassName="g"), [Need("a", "node.k8s.io/v1", "RuntimeClass", "", "g")]),
    "a claim of a pod": (
        pod(volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]),
        [Need("a", "v1", "PersistentVolumeClaim", "n", "c", "", "for volume v")],
    ),
    "a claim of a class": (claim(storageClassName="fast"), [Need("a", CLASS, "StorageClass", "", "fast")]),
    "a claim of any class": (claim(), [Need("a", CLASS, "StorageClass", "", "")]),
    "a claim of no class": (claim(storageClassName=""), []),
    "a claim of one volume": (claim(volumeName="v"), []),
    "claims of a set": (
        made("StatefulSet", "apps/v1", spec={"volumeClaimTemplates": [{"spec": {"storageClassName": "fast"}}]}),
        [Need("a", CLASS, "StorageClass", "", "fast")],
    ),
    "a claim that goes with its pod": (
        pod(volumes=[{"name": "v", "ephemeral": {"volumeClaimTemplate": {"spec": {}}}}]),
        [Need("a", CLASS, "StorageClass", "", "")],
    ),
    "a queue": (QUEUED, [Need("a", "kueue.x-k8s.io", "LocalQueue", "n", "q")]),
    "a runtime of Trainer's": (TRAIN, [RUNTIME]),
    "a Spark application": (
        SPARK,
        sorted([secret("reg", "", PULL), ACCOUNT, secret("hub", "token", "for variable T")]),
    ),
    "an ingress": (
        made("Ingress", "networking.k8s.io/v1", spec={"ingressClassName": "t"}),
        [Need("a", "networking.k8s.io/v1", "IngressClass", "", "t")],
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_is_referred_to(case: str) -> None:
    manifest, expected = TABLE[case]
    assert needs({"a": [manifest]}, {"a": [manifest]}, {}) == expected


def test_what_the_app_brings_is_not_needed() -> None:
    asking = pod(container=reference("secretKeyRef"))
    own = made("Secret", name="hub")
    elsewhere = {**own, "metadata": {"name": "hub", "namespace": "m"}}
    assert needs({"a": [asking]}, {"a": [asking], "b": [own]}, {}) == []
    assert len(needs({"a": [asking]}, {"a": [asking], "b": [elsewhere]}, {})) == 1


def test_what_an_object_of_the_app_may_make_is_not_asked_for() -> None:
    asking = pod(container=reference("secretKeyRef"))
    maker = made("ExternalSecret", "external-secrets.io/v1", spec={"target": {"name": "hub"}})
    assert needs({"a": [asking]}, {"a": [asking, maker]}, {}) == []
    other = made("ExternalSecret", "external-secrets.io/v1", spec={"target": {"name": "other"}})
    assert len(needs({"a": [asking]}, {"a": [asking, other]}, {})) == 1


def test_a_class_in_a_programs_own_settings() -> None:
    hub = made("StatefulSet", "apps/v1", spec={})
    settings = {"a": {"hub_storage_class": Setting("hub_storage_class", "fast"), "storage": Setting("storage", "1Gi")}}
    assert needs({"a": [hub]}, {"a": [hub]}, settings) == [Need("a", CLASS, "StorageClass", "", "fast")]


def test_kinds_that_somebody_else_has_to_bring() -> None:
    gadget, widget = made("Gadget", "e.example/v1"), made("Widget", "e.example/v1")
    spec = {"group": "e.example", "names": {"kind": "Widget"}}
    crd = made("CustomResourceDefinition", "apiextensions.k8s.io/v1", spec=spec)
    everything = {"a": [gadget, widget, made("Secret")], "b": [crd]}
    known = [("v1", "Secret"), ("apiextensions.k8s.io/v1", "CustomResourceDefinition")]
    assert custom_kinds(everything, everything, known) == [Need("a", "e.example/v1", "Gadget", "", "")]


def test_a_volume_of_the_app_serves_the_claims_of_its_class() -> None:
    """Nobody has to make a StorageClass for volumes that are made by hand."""
    volume = made("PersistentVolume", spec={"storageClassName": "manual"})
    claims = [claim(storageClassName="manual"), claim(storageClassName="fast")]
    found = needs({"a": claims}, {"a": [*claims, volume]}, {})
    assert found == [Need("a", CLASS, "StorageClass", "", "fast")]


def test_claims_of_every_notebook() -> None:
    hub, other = made("StatefulSet", "apps/v1", spec={}), made("Deployment", "apps/v1", spec={})
    settings = {"hub_shared_claims": Setting("hub_shared_claims", ["data"]), "claims": Setting("claims", ["other"])}
    assert spawned_claims([other, hub], settings) == ["data"]
    assert spawned_claims([other], settings) == []
    use = "for every notebook"
    assert needs({"a": [hub]}, {"a": [hub]}, {"a": settings}) == [
        Need("a", "v1", "PersistentVolumeClaim", "n", "data", "", use)
    ]
