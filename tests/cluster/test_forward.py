"""Forwarding to simulated pods of a real API server, whose ports answer with the sandbox's page."""

from __future__ import annotations

import socket
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.forward import Forwarding, Notice
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.cluster.targets import Endpoint, NoTargetError, parse_ports, parse_target
from mlstack.errors import MlstackError

POD = well_known("v1", "Pod")
LABELS = {"app": "web", "app.kubernetes.io/instance": "hub"}


@pytest.fixture
def web(client: Client, made: str) -> str:
    """A namespace with StatefulSet web (pod web-0 runs, port http = 8000) and Service websvc."""
    ports = [{"name": "http", "containerPort": 8000}]
    template = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "x", "ports": ports}]}}
    spec: dict[str, Any] = {"serviceName": "websvc", "selector": {"matchLabels": {"app": "web"}}, "template": template}
    service = {"selector": {"app": "web"}, "ports": [{"name": "web", "port": 80, "targetPort": "http"}]}
    for api_version, kind, name, body in (
        ("apps/v1", "StatefulSet", "web", spec),
        ("v1", "Service", "websvc", service),
    ):
        metadata = {"name": name, "namespace": made}
        manifest = {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": body}
        objects.apply(client, well_known(api_version, kind), manifest, manager="test")
    running(client, made)
    return made


def running(client: Client, namespace: str, other_than: str = "") -> Manifest:
    """The pod web-0 once it runs (and is another than the one of that UID)."""
    for _ in range(600):
        pod = objects.find(client, POD, namespace, "web-0")
        if pod and pod["metadata"]["uid"] != other_than and pod["status"]["phase"] == "Running":
            return pod
        threading.Event().wait(0.05)
    raise AssertionError("web-0 does not run")


def page(address: str) -> int:
    """The status of a GET, which the sandbox's page answers."""
    with urllib.request.urlopen(f"http://{address}/", timeout=60) as answer:
        assert answer.headers["X-Mlstack-Simulated"] == "true"
        return int(answer.status)


def forwarding(
    client: Client, namespace: str, target: str, *ports: str, told: list[Notice], patience: float = 30
) -> Forwarding:
    """A forwarding that notes what it tells."""
    pairs = [parse_ports(text) for text in ports]
    return Forwarding(client, namespace, parse_target(target), pairs, told.append, patience=patience)


@pytest.mark.parametrize(
    ("target", "remote"),
    [
        ("web-0", "8000"),
        ("pod/web-0", "http"),
        ("svc/websvc", "80"),
        ("websvc", "web"),
        ("sts/web", "8000"),
        ("hub", "http"),
        ("component/hub", "8000"),
    ],
)
def test_every_kind_of_target(client: Client, web: str, target: str, remote: str) -> None:
    told: list[Notice] = []
    with forwarding(client, web, target, f":{remote}", told=told) as forward:
        assert page(forward.address) == 200
    assert [(notice.kind, notice.text) for notice in told] == [
        ("listening", f"Forwarding {forward.address} to web-0:8000.")
    ]


def test_many_connections_at_once_and_nothing_left(client: Client, web: str) -> None:
    before = threading.active_count()
    told: list[Notice] = []
    with (
        forwarding(client, web, "web-0", ":8000", ":8888", told=told) as forward,
        ThreadPoolExecutor(25) as pool,
    ):
        addresses = list(forward.addresses) * 25
        assert list(pool.map(page, addresses)) == [200] * 50
    assert {notice.kind for notice in told} == {"listening"}
    assert threading.active_count() == before
    for address in forward.addresses:
        host, port = address.split(":")
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((host, int(port)), timeout=5)


def test_open_connections_end_with_it(client: Client, web: str) -> None:
    with forwarding(client, web, "web-0", ":8000", told=[]) as forward:
        host, port = forward.address.split(":")
        idle = socket.create_connection((host, int(port)), timeout=30)
        idle.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert idle.recv(12) == b"HTTP/1.1 200"
    while idle.recv(1 << 16):
        pass
    idle.close()


def test_the_next_port_if_the_first_is_taken(client: Client, web: str) -> None:
    told: list[Notice] = []
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with forwarding(client, web, "web-0", f"{taken}:8000", told=told) as forward:
            assert page(forward.address) == 200
    used = int(forward.address.split(":")[1])
    assert taken < used < taken + 100
    assert told[0].text == f"Port {taken} is taken on this machine: {used} is used instead."


def test_a_pod_that_restarts(client: Client, web: str) -> None:
    told: list[Notice] = []
    with forwarding(client, web, "svc/websvc", ":80", told=told) as forward:
        assert page(forward.address) == 200
        old = objects.get(client, POD, web, "web-0")["metadata"]["uid"]
        objects.delete(client, POD, web, "web-0", uid=old)
        running(client, web, other_than=old)
        assert page(forward.address) == 200


def test_no_pod_and_then_one_again(client: Client, web: str) -> None:
    told: list[Notice] = []
    stateful_set = well_known("apps/v1", "StatefulSet")

    def scale(replicas: int) -> None:
        objects.patch(client, stateful_set, web, "web", {"spec": {"replicas": replicas}}, manager="test")

    with forwarding(client, web, "svc/websvc", ":80", told=told, patience=0.3) as forward:
        scale(0)
        while objects.find(client, POD, web, "web-0"):
            threading.Event().wait(0.05)
        for _ in range(3):
            with pytest.raises(OSError, match=r"closed|reset"):
                page(forward.address)
        scale(1)
        running(client, web)
        assert page(forward.address) == 200
    texts = [notice.text for notice in told if notice.kind in ("trouble", "target")]
    assert texts.count("There is no pod behind service websvc yet. Is it applied, and does it have replicas?") == 1
    assert texts[-1] == "web-0 was replaced; forwarding again."


def test_a_connection_waits_for_the_next_pod(client: Client, web: str) -> None:
    told: list[Notice] = []
    with forwarding(client, web, "sts/web", ":8000", told=told) as forward, ThreadPoolExecutor(1) as pool:
        old = objects.get(client, POD, web, "web-0")["metadata"]["uid"]
        objects.delete(client, POD, web, "web-0", uid=old)
        try:
            assert pool.submit(page, forward.address).result(60) == 200  # nobody waited for the pod before
        except ConnectionResetError:  # the old pod had it already when it ended: the next one is good
            assert pool.submit(page, forward.address).result(60) == 200
        running(client, web, other_than=old)
        # The old pod may have served it in its last moment: the next one is found without anybody asking.
        while "web-0 was replaced; forwarding again." not in [notice.text for notice in told]:
            threading.Event().wait(0.05)


@pytest.mark.parametrize(
    ("target", "remote", "said"),
    [
        ("nope", "80", "There is no pod, service, component or workload 'nope' in namespace {} (context minikube)."),
        ("deploy/web", "80", "There is no deployment 'web' in namespace {} (context minikube)."),
        ("svc/websvc", "81", "Service websvc has no port 81. It has: 80 (web)."),
        ("web-0", "grpc", "Pod web-0 has no port named 'grpc'. Its named ports: http."),
    ],
)
def test_no_target(client: Client, web: str, target: str, remote: str, said: str) -> None:
    with pytest.raises(NoTargetError) as error, forwarding(client, web, target, f":{remote}", told=[]):
        pass
    assert said.format(web) in str(error.value)


def test_the_first_pod_is_waited_for(client: Client, web: str) -> None:
    stateful_set = well_known("apps/v1", "StatefulSet")

    def scale(replicas: int) -> None:
        objects.patch(client, stateful_set, web, "web", {"spec": {"replicas": replicas}}, manager="test")

    scale(0)
    while objects.find(client, POD, web, "web-0"):
        threading.Event().wait(0.05)
    told: list[Notice] = []
    pairs = [parse_ports(":8000")]

    def tell(notice: Notice) -> None:
        if notice.kind == "waiting":
            scale(1)
        told.append(notice)

    with Forwarding(client, web, parse_target("svc/websvc"), [parse_ports(":80")], tell, timeout=60) as forward:
        assert page(forward.address) == 200
    assert told[0].text == "Waiting: There is no pod behind service websvc yet."
    with pytest.raises(NoTargetError, match="There is no pod 'web-1'"):  # nobody says that there will be one
        Forwarding(client, web, parse_target("pod/web-1"), pairs, timeout=60).__enter__()


def test_a_pod_that_waits_says_why(client: Client, made: str) -> None:
    container = {"name": "c", "image": "x", "resources": {"requests": {"cpu": "4000"}}}
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "big", "namespace": made}}
    objects.apply(client, POD, {**manifest, "spec": {"containers": [container]}}, manager="test")
    while not objects.get(client, POD, made, "big")["status"].get("conditions"):
        threading.Event().wait(0.05)
    with (
        pytest.raises(NoTargetError, match="Pod big is Pending, not Running: 1 node has less than 4000 cpu free"),
        forwarding(client, made, "big", ":80", told=[]),
    ):
        pass


def test_ports_that_cannot_be_had(client: Client, web: str) -> None:
    forward = Forwarding(client, web, parse_target("web-0"), [parse_ports(":8000")], address="192.0.2.1")
    with pytest.raises(MlstackError, match=r"Cannot listen on 192\.0\.2\.1:0: "), forward:
        pass


def test_who_may_not_forward_is_told_at_once(client: Client, stranger: Client, web: str) -> None:
    forward = forwarding(client, web, "web-0", ":8000", told=[])
    forward._routes[0]._client = stranger
    forward._routes[0].resolved = lambda: Endpoint(web, "web-0", 8000)  # type: ignore[method-assign]  # may not list, too
    with pytest.raises(ForbiddenError, match="User 'stranger' of context 'minikube' may not"), forward:
        pass


def test_loopback_has_two_families_and_more_is_warned_of(client: Client, web: str) -> None:
    told: list[Notice] = []
    with forwarding(client, web, "web-0", ":8000", told=told) as forward:
        port = forward.address.rpartition(":")[2]
        assert page(f"localhost:{port}") == 200
        if has_ipv6():
            assert page(f"[::1]:{port}") == 200
    assert {notice.kind for notice in told} == {"listening"}
    pairs = [parse_ports(":8000")]
    with Forwarding(client, web, parse_target("web-0"), pairs, told.append, address="0.0.0.0") as forward:
        assert page(forward.address.replace("0.0.0.0", "127.0.0.1")) == 200
    text = f"Whoever can reach {forward.address} of this machine reaches web-0:8000, as you."
    assert text in [notice.text for notice in told if notice.kind == "open"]


def has_ipv6() -> bool:
    """Whether this machine has IPv6's loopback."""
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True
