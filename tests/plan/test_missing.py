from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.layers import Setting
from mlstack.compose.places import Place
from mlstack.plan import missing
from mlstack.plan.missing import Where
from mlstack.plan.operators import TRAINING
from mlstack.plan.outside import PULL, Need

GKE = Where("gke", "n")
HUB = Need("llm", "v1", "Secret", "n", "hub", "token", "for variable HF_TOKEN")


def setting(name: str, value: Any) -> dict[str, Setting]:
    return {"name": Setting("name", "hub"), name: Setting(name, value, "c.yaml", Place("c.yaml", 7))}


TABLE = {
    "a Secret": (
        HUB,
        setting("token", "hub/token"),
        "llm: Secret hub, for variable HF_TOKEN, is not there in namespace n.",
        "token = hub/token, at c.yaml:7. mlstack secret set gke hub token",
    ),
    "one by name and key": (
        HUB,
        setting("secret_env", {"HF_TOKEN": {"name": "hub", "key": "token"}}),
        "llm: Secret hub, for variable HF_TOKEN, is not there in namespace n.",
        'secret_env = {"HF_TOKEN": {"name": "hub", "key": "token"}}, at c.yaml:7. mlstack secret set gke hub token',
    ),
    "one in another namespace": (
        Need("llm", "v1", "Secret", "m", "hub", "token"),
        {},
        "llm: Secret hub is not there in namespace m.",
        "kubectl create secret generic hub -n m --from-file=token=/dev/stdin",
    ),
    "a pull secret": (
        Need("llm", "v1", "Secret", "n", "reg", "", PULL),
        setting("image_pull_secrets", ["reg"]),
        "llm: Secret reg, from which images are pulled, is not there in namespace n, "
        "and the kubelet pulls without it: images that need a password are not pulled.",
        'image_pull_secrets = ["reg"], at c.yaml:7. '
        "kubectl create secret docker-registry reg -n n --docker-server=… --docker-username=… --docker-password=…",
    ),
    "a volume's claim": (
        Need("llm", "v1", "PersistentVolumeClaim", "n", "models", "", "for volume model"),
        setting("model_path", "pvc://models/inception"),
        "llm: PersistentVolumeClaim models, for volume model, is not there in namespace n, "
        "so that its pods would stay pending.",
        "model_path = pvc://models/inception, at c.yaml:7. Make it, or put a manifest of it into components/.",
    ),
    "a class": (
        Need("llm", "storage.k8s.io/v1", "StorageClass", "", "fast"),
        {},
        "llm: StorageClass fast is not there, so that claims of it would stay pending.",
        "There are: slow, standard. The cluster's owner makes them.",
    ),
    "a default class": (
        Need("llm", "storage.k8s.io/v1", "StorageClass", "", ""),
        {},
        "llm: no StorageClass is the default one, so that claims which name none would stay pending.",
        "There are: slow, standard. The cluster's owner makes one the default: "
        "annotation storageclass.kubernetes.io/is-default-class=true.",
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_is_not_there(case: str) -> None:
    need, settings, problem, advice = TABLE[case]
    others = {"standard", "slow"} if need.kind == "StorageClass" else ()
    found = missing.absent(need, others, settings, GKE)
    assert (found.problem, found.advice, found.certain) == (problem, advice, need.use != PULL)


@pytest.mark.parametrize(("keys", "has"), [(["b", "a"], "it has a, b"), ([], "it is empty")])
def test_a_key_that_is_not_there(keys: list[str], has: str) -> None:
    found = missing.lacking(HUB, keys, {}, GKE)
    assert found.problem == f"llm: Secret hub in namespace n has no key token for variable HF_TOKEN: {has}."


@pytest.mark.parametrize(
    ("versions", "settings", "problem", "advice"),
    [
        (
            [],
            {"runner": Setting("runner", "auto")},
            "cnn: the cluster does not serve TFJob (kubeflow.org/v1): its CRD is not there.",
            "It comes with: mlstack generate training-operator (or kubeflow-core); or without an operator: "
            "mlstack param set --env=gke cnn runner native.",
        ),
        (
            ["kubeflow.org/v2"],
            {},
            "cnn: the cluster serves TFJob as kubeflow.org/v2, not as kubeflow.org/v1.",
            "It comes with: mlstack generate training-operator (or kubeflow-core).",
        ),
    ],
)
def test_kinds_that_are_not_served(
    versions: list[str], settings: dict[str, Setting], problem: str, advice: str
) -> None:
    found = missing.unserved(Need("cnn", "kubeflow.org/v1", "TFJob", "", ""), versions, settings, GKE)
    assert (found.problem, found.advice) == (problem, advice)


def test_a_version_that_is_not_served_any_more_and_a_kind_in_the_wrong_case() -> None:
    found = missing.unserved(Need("web", "policy/v1beta1", "PodDisruptionBudget", "", ""), ["policy/v1"], {}, GKE)
    assert found.problem == "web: the cluster serves PodDisruptionBudget as policy/v1, not as policy/v1beta1."
    assert found.advice == "Change apiVersion to policy/v1."
    found = missing.unserved(Need("web", "v1", "configmap", "", ""), [], {}, GKE, "ConfigMap")
    assert found.problem == "web: the cluster does not serve configmap (v1). Did you mean ConfigMap?"
    assert found.advice == "Change kind to ConfigMap."


@pytest.mark.parametrize(
    ("deployments", "said"),
    [
        ([{"status": {"readyReplicas": 1}}], ""),
        ([{"status": {}}, {"status": {"readyReplicas": 1}}], ""),
        ([{"status": {}}], "cnn: the training operator is not ready (namespace ops): its TFJob may wait for it."),
        (
            [],
            "cnn: no training operator was found (a Deployment with label control-plane=kubeflow-training-operator): "
            "its TFJob may stay as it is, without pods.",
        ),
    ],
)
def test_operators_that_are_not_at_work(deployments: list[dict[str, Any]], said: str) -> None:
    named = [{"metadata": {"name": "op", "namespace": "ops"}, **one} for one in deployments]
    found = missing.unworked(TRAINING, "cnn", ["TFJob"], named)
    assert (found.problem if found else "") == said
    assert found is None or not found.certain


def test_a_queue_that_nobody_knows() -> None:
    need = Need("cnn", "kueue.x-k8s.io", "LocalQueue", "n", "team-a")
    found = missing.unqueued(need, setting("queue", "team-a"))
    assert found.problem == "cnn: queue team-a has no effect: Kueue is not there, and the job would start at once."
    assert found.advice.startswith("queue = team-a, at c.yaml:7. Install it")
    assert not found.certain


@pytest.mark.parametrize(("marks", "name"), [({"b": "true"}, "b"), ({"a": "false"}, ""), ({}, "")])
def test_the_default_class(marks: dict[str, str], name: str) -> None:
    key = "storageclass.kubernetes.io/is-default-class"
    classes = [{"metadata": {"name": one, "annotations": {key: marks.get(one, "")}}} for one in ("a", "b")]
    assert missing.default_class([{"metadata": {"name": "c"}}, *classes]) == name
