"""TrainJobs and Spark applications: taken by the definitions of their projects, in enforcing namespaces, to their end.

Their operators are not here: this test says in their place how a job goes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.cluster.shell import wait_established
from tests.upstream.crds import crd

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

Namespaced = Callable[..., str]
PI = "local:///opt/spark/examples/src/main/python/pi.py"
KINDS = ("TrainJob", "JobSet", "SparkApplication")


@pytest.fixture(scope="module")
def definitions(minikube: Sandbox, kubectl: Kubectl) -> Iterator[None]:
    """The kinds, as Trainer, JobSet and Spark's operator define them."""
    names = [crd(kind)["metadata"]["name"] for kind in KINDS]
    sent = yaml.dump_all([crd(kind) for kind in KINDS], Dumper=yaml.CSafeDumper)
    kubectl("apply", "--server-side", "-f", "-", context="minikube", stdin=sent)
    wait_established(kubectl, "minikube", *names)
    yield
    kubectl("delete", "crd", *names, context="minikube")


@pytest.fixture
def inside(namespace: str, kubectl: Kubectl, minikube: Sandbox) -> Iterator[Namespaced]:
    """`inside("get", "pods")`: kubectl in the test's namespace, which is as restricted as Kubernetes can have it."""

    def run(*words: str, **rest: Any) -> str:
        return kubectl("-n", namespace, *words, context="minikube", **rest)

    kubectl("create", "namespace", namespace, context="minikube")
    run("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    yield run
    run("delete", "namespace", namespace, "--wait=false")


@pytest.fixture
def app(new_app: Callable[[str], App], namespace: str, inside: Namespaced) -> App:
    """An app with the environment minikube in the test's namespace."""
    typed = new_app("foreign")
    typed.do("env", "add", "minikube", "--namespace", namespace)
    return typed


def test_a_kind_that_nobody_defines_is_said(app: App) -> None:
    app.do("generate", "train-job", "llm")
    done = app.run("apply", "minikube")
    assert done.returncode == 1
    assert "does not serve TrainJob (trainer.kubeflow.org/v1alpha1)" in done.stderr


@pytest.mark.parametrize(("outcome", "code"), [("Complete", 0), ("Failed", 4)])
def test_a_train_job(outcome: str, code: int, app: App, inside: Namespaced, definitions: None) -> None:
    app.do("generate", "train-job", "llm", "--image=registry.example.com/llm:1", "--command=torchrun,/train.py")
    app.do("param", "set", "llm", "num_gpus", "2")
    app.do("apply", "minikube", "--no-wait", "--no-preflight")
    kept = json.loads(inside("get", "trainjob", "llm", "-o", "json"))["spec"]
    shown = yaml.safe_load(app.do("show", "minikube", "-c", "llm"))["spec"]
    assert kept == {**shown, "managedBy": "trainer.kubeflow.org/trainjob-controller", "suspend": False}
    status = {"jobsStatus": [{"name": "node", "ready": 1, "active": 1, "failed": 0, "succeeded": 0, "suspended": 0}]}
    inside("patch", "trainjob", "llm", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))
    assert "1/1" in app.do("status", "minikube")
    ended = {
        "type": outcome,
        "status": "True",
        "reason": "Ended",
        "message": "so",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    }
    inside(
        "patch", "trainjob", "llm", "--subresource=status", "--type=merge",
        "-p", json.dumps({"status": {"conditions": [ended]}}),
    )  # fmt: skip
    assert app.run("wait", "minikube", "-c", "llm", "--for", "finished").returncode == code
    assert "nothing to do" in app.do("apply", "minikube")


@pytest.mark.parametrize(("state", "code"), [("COMPLETED", 0), ("FAILED", 4)])
def test_a_spark_application(state: str, code: int, app: App, inside: Namespaced, definitions: None) -> None:
    app.do("generate", "spark-application", "pi", "--engine=operator", f"--main_file={PI}", "--num_gpus=1")
    app.do("apply", "minikube", "--no-wait", "--no-preflight")
    kept = json.loads(inside("get", "sparkapplication", "pi", "-o", "json"))["spec"]
    shown = [
        one for one in yaml.safe_load_all(app.do("show", "minikube", "-c", "pi")) if one["kind"] == "SparkApplication"
    ]
    assert kept == shown[0]["spec"]
    status = {"applicationState": {"state": state}, "driverInfo": {}}
    inside(
        "patch", "sparkapplication", "pi", "--subresource=status", "--type=merge", "-p", json.dumps({"status": status})
    )
    assert app.run("wait", "minikube", "-c", "pi", "--for", "finished").returncode == code


@pytest.mark.parametrize(("mode", "code"), [("", 0), ("fail", 4)])
def test_a_spark_application_without_an_operator(mode: str, code: int, app: App, inside: Namespaced) -> None:
    simulated = json.dumps({"sim/run-for": "1s", "sim/mode": mode})
    app.do("generate", "spark-application", "pi", f"--main_file={PI}", f"--annotations={simulated}")
    # The namespace takes restricted pods only, so the driver's is one.
    assert app.run("apply", "minikube", "--wait=finished").returncode == code
    assert "nothing to do" in app.do("apply", "minikube")


def test_executors_are_restricted_pods_and_all_that_their_driver_may_make(app: App, inside: Namespaced) -> None:
    app.do("generate", "spark-application", "pi", f"--main_file={PI}", "--num_gpus=1")
    app.do("apply", "minikube", "--no-wait", "--no-preflight")
    (config,) = [
        one
        for one in json.loads(inside("get", "configmaps", "-o", "json"))["items"]
        if one["metadata"]["name"].startswith("pi-executor-")
    ]
    pod = yaml.safe_load(config["data"]["executor.yaml"])
    pod["metadata"]["name"] = "pi-exec-1"
    pod["spec"]["containers"][0]["image"] = "docker.io/apache/spark:4.0.4"
    account = f"--as=system:serviceaccount:{config['metadata']['namespace']}:pi-driver"
    inside("create", "--validate=strict", "-f", "-", account, stdin=json.dumps(pod))
    inside("delete", "pod", "pi-exec-1", account)
    for what in ("configmaps", "services", "persistentvolumeclaims", "secrets", "pods --subresource=exec"):
        assert inside("auth", "can-i", "create", *what.split(), account, check=False).startswith("no")
