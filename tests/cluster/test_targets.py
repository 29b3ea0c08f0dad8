"""What a forward leads to."""

from __future__ import annotations

from typing import Any

import pytest

from mlstack.cluster import targets
from mlstack.cluster.targets import NoTargetError, PortPair, Target, parse_ports, parse_target
from mlstack.errors import MlstackError


def pod(name: str, phase: str = "Running", *, ready: bool = True, **status: Any) -> dict[str, Any]:
    """A pod with two named ports."""
    conditions = [{"type": "Ready", "status": str(ready)}]
    ports = [{"name": "http", "containerPort": 8000}, {"name": "grpc", "containerPort": 9000}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "a"},
        "spec": {"containers": [{"name": "c"}, {"name": "d", "ports": ports}]},
        "status": {"phase": phase, "conditions": conditions, **status},
    }


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("tf-hub-0", Target("", "tf-hub-0")),
        ("pod/x", Target("pod", "x")),
        ("pods/x", Target("pod", "x")),
        ("svc/x", Target("service", "x")),
        ("services/x", Target("service", "x")),
        ("deploy/x", Target("deployment", "x")),
        ("StatefulSet/x", Target("statefulset", "x")),
        ("component/x", Target("component", "x")),
    ],
)
def test_parse_target(text: str, target: Target) -> None:
    assert parse_target(text) == target


@pytest.mark.parametrize("text", ["node/x", "svc/", "/x", "", "a b", "x=y", "..", "pod/é", "pod/a/b", "Web"])
def test_no_targets(text: str) -> None:
    with pytest.raises(MlstackError, match="cannot be forwarded to"):
        parse_target(text)


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("8100:8000", PortPair(8100, 8000)),
        ("8000", PortPair(8000, 8000)),
        (":8000", PortPair(0, 8000)),
        ("0:8000", PortPair(0, 8000)),
        ("8100:http", PortPair(8100, "http")),
        ("http", PortPair(0, "http")),
    ],
)
def test_parse_ports(text: str, pair: PortPair) -> None:
    assert parse_ports(text) == pair


@pytest.mark.parametrize(
    "text", ["", ":", "8100:", "x:8000", "70000:8000", "8100:70000", "8100:0", "-1:8000", "٣:8000"]
)
def test_no_ports(text: str) -> None:
    with pytest.raises(MlstackError, match="is no pair of ports"):
        parse_ports(text)


@pytest.mark.parametrize(
    ("pods", "expected"),
    [
        ([pod("b"), pod("a")], "a"),
        ([pod("a", ready=False), pod("b")], "b"),
        ([pod("a", "Pending"), pod("b", ready=False)], "b"),
        ([pod("a", "Succeeded"), pod("b")], "b"),
        ([pod("a", "Failed", ready=False), pod("b", ready=False)], "b"),
    ],
)
def test_best(pods: list[dict[str, Any]], expected: str) -> None:
    found = targets.best(pods)
    assert found
    assert found["metadata"]["name"] == expected


def test_best_of_none() -> None:
    assert targets.best([]) is None


@pytest.mark.parametrize(
    ("remote", "declared", "port"),
    [(8000, True, 8000), (5, False, 5), (5, True, None), ("grpc", False, 9000), ("smtp", False, None)],
)
def test_pod_port(remote: int | str, declared: bool, port: int | None) -> None:
    assert targets.pod_port(pod("a"), remote, declared=declared) == port


SERVICE = {
    "kind": "Service",
    "metadata": {"name": "web"},
    "spec": {"selector": {"app": "web"}, "ports": [{"port": 80, "name": "web", "targetPort": "http"}, {"port": 90}]},
}


@pytest.mark.parametrize(("remote", "port"), [(80, "http"), ("web", "http"), (90, 90)])
def test_target_port(remote: int | str, port: int | str) -> None:
    assert targets.target_port(SERVICE, remote) == port


def test_a_port_that_the_service_lacks() -> None:
    with pytest.raises(NoTargetError, match=r"Service web has no port 8000. It has: 80 \(web\), 90."):
        targets.target_port(SERVICE, 8000)


def test_selectors() -> None:
    expressions = [
        {"key": "a", "operator": "In", "values": ["x", "y"]},
        {"key": "b", "operator": "NotIn", "values": ["z"]},
        {"key": "c", "operator": "Exists"},
        {"key": "d", "operator": "DoesNotExist"},
    ]
    workload = {
        "kind": "Deployment",
        "spec": {"selector": {"matchLabels": {"e": "f"}, "matchExpressions": expressions}},
    }
    assert targets.selector(workload) == "e=f,a in (x,y),b notin (z),c,!d"
    assert targets.selector(SERVICE) == "app=web"
    assert targets.selector({"kind": "Service", "spec": {"externalName": "x"}}) == ""


def test_why_a_pod_does_not_run() -> None:
    waiting = {"name": "d", "state": {"waiting": {"reason": "ImagePullBackOff"}}, "image": "x:1"}
    said = targets.not_running(pod("a", "Pending", ready=False, containerStatuses=[waiting]))
    assert said == "Pod a is Pending, not Running: ImagePullBackOff: image x:1."
    assert targets.not_running(pod("a", "Succeeded")) == "Pod a is Succeeded."
