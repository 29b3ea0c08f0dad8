"""Which operator a Deployment asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlstack.sandbox import operator


def deployment(name: str = "training-operator", namespace: str = "ml", **changes: Any) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": "o",
        "image": "docker.io/kubeflow/training-operator:v1-1.9.4",
        "command": ["/manager"],
    }
    container |= {"args": ["--enable-scheme=TFJob", "--namespace=$(HERE)"]}
    container |= {"env": [{"name": "HERE", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}}]}
    container |= changes.pop("container", {})
    return {
        "metadata": {"name": name, "namespace": namespace, **changes.pop("metadata", {})},
        "spec": {"template": {"spec": {"serviceAccountName": "op", "containers": [container]}}, **changes},
        "status": {"readyReplicas": 1},
    }


def test_what_it_says_is_taken() -> None:
    assert operator.wanted([deployment()]) == operator.Wanted(
        deployment="ml/training-operator",
        namespace="ml",
        args=("--enable-scheme=TFJob", "--namespace=ml"),
        env={"HERE": "ml"},
        account="op",
        ready=True,
    )


@pytest.mark.parametrize(
    "other",
    [
        deployment(replicas=0),
        deployment(metadata={"deletionTimestamp": "2026-11-23T00:00:00Z"}),
        deployment(container={"image": "kubeflow/training-operator-docs:1"}),
        deployment(container={"image": "busybox"}),
    ],
)
def test_others_are_not(other: dict[str, Any]) -> None:
    assert operator.wanted([other]) is None
    found = operator.wanted([other, deployment("z")])
    assert found is not None
    assert found.deployment == "ml/z"


def test_the_first_of_two_by_name() -> None:
    found = operator.wanted([deployment(namespace="b"), deployment(namespace="a")])
    assert found is not None
    assert found.deployment == "a/training-operator"


def test_readiness_is_no_reason_for_a_restart() -> None:
    unready = deployment()
    unready["status"] = {}
    assert operator.wanted([unready]) == operator.wanted([deployment()])
    assert operator.wanted([deployment(container={"args": []})]) != operator.wanted([deployment()])


@pytest.mark.parametrize(
    ("args", "needs"),
    [
        (["--enable-scheme=tfjob", "--enable-scheme=PyTorchJob"], {"tfjobs", "pytorchjobs"}),
        (["-enable-scheme", "tfjob"], {"tfjobs"}),
        (["--enable-scheme=nonsense"], set()),
        ([], set(operator.SCHEMES.values())),
    ],
)
def test_resources(args: list[str], needs: set[str]) -> None:
    found = operator.wanted([deployment(container={"args": args})])
    assert found is not None
    assert found.resources == needs


@pytest.mark.parametrize(
    ("image", "name"),
    [
        ("kubeflow/training-operator:v1", "training-operator"),
        ("host:5000/a/b@sha256:00", "b"),
        ("host:5000/b", "b"),
        ("b", "b"),
        ("", ""),
    ],
)
def test_image_name(image: str, name: str) -> None:
    assert operator.image_name(image) == name


def test_command_stays_on_loopback() -> None:
    found = operator.wanted([deployment(container={"args": ["--webhook-server-port=1", "--enable-scheme=tfjob"]})])
    assert found is not None
    words = operator.command(Path("/b/op"), found, Path("/f"), 20_001)
    assert words[:3] == ["/b/op", "--webhook-server-port=1", "--enable-scheme=tfjob"]
    assert words.index("--webhook-server-port=20001") > words.index("--webhook-server-port=1")
    assert {"--metrics-bind-address=0", "--webhook-address=127.0.0.1", "--kubeconfig=/f/kubeconfig.json"} <= set(words)
