from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.apirules import broken_rules


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": spec}


def container(**more: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "c", **more}])


def labelled(**metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", **metadata}}


@pytest.mark.parametrize(
    ("manifest", "path"),
    [
        (container(env=[{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]), "spec.containers.0.env"),
        (container(ports=[{"containerPort": 1}, {"containerPort": 1, "protocol": "TCP"}]), "spec.containers.0.ports"),
        (container(volumeMounts=[{"name": n, "mountPath": "/a"} for n in "ab"]), "spec.containers.0.volumeMounts"),
        (pod(containers=[{"name": "c"}, {"name": "c"}]), "spec.containers"),
        (pod(containers=[{"name": "c"}], initContainers=[{"name": "c"}]), "spec.containers"),
        (pod(containers=[], volumes=[{"name": "v"}, {"name": "v"}]), "spec.volumes"),
        (pod(containers=[], imagePullSecrets=[{"name": "s"}, {"name": "s"}]), "spec.imagePullSecrets"),
        (pod(containers=[], nodeSelector={"a": "b c"}), "spec.nodeSelector.a"),
        (labelled(labels={"a": "x" * 64}), "metadata.labels.a"),
        (labelled(labels={"a b": "x"}), "metadata.labels"),
        (labelled(annotations={"a b": "x"}), "metadata.annotations"),
        (
            {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": [{"port": 1}] * 2}},
            "spec.ports",
        ),
        (
            {
                "apiVersion": "example.com/v1",
                "kind": "Job",
                "metadata": {"name": "a"},
                "spec": {"workers": [{"template": container(env=[{"name": "A"}, {"name": "A"}])}]},
            },
            "spec.workers.0.template.spec.containers.0.env",
        ),
    ],
)
def test_what_the_server_would_refuse(manifest: dict[str, Any], path: str) -> None:
    assert [at for at, _ in broken_rules(manifest)] == [path]


@pytest.mark.parametrize(
    "manifest",
    [
        container(ports=[{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]),
        container(
            env=[{"name": "A"}, {"name": "B"}], volumeMounts=[{"name": "v", "mountPath": p} for p in ("/a", "/b")]
        ),
        labelled(labels={"example.com/a": ""}, annotations={"Example.com/A": "any thing"}),
        pod(containers=None, volumes=[None, "x"]),
        labelled(labels=["a"], annotations="x"),
    ],
)
def test_what_is_right_or_for_the_schema_to_tell(manifest: dict[str, Any]) -> None:
    assert list(broken_rules(manifest)) == []


def test_a_rule_is_told_with_the_key() -> None:
    [(_, message)] = broken_rules(container(env=[{"name": "HF_TOKEN"}, {"name": "HF_TOKEN"}]))
    assert message == "2 items have the name HF_TOKEN; keep one"
