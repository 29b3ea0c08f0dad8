"""The actions behind `notebook` and `port-forward`, on a real API server."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from mlstack.actions.events import Event, Notice
from mlstack.actions.forward import forward, notebook, wait_for_pod
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.cluster.targets import NoTargetError
from mlstack.errors import MlstackError, NotReadyError

POD = well_known("v1", "Pod")
STATEFUL_SET = well_known("apps/v1", "StatefulSet")


def hub(client: Client, namespace: str, **annotations: str) -> None:
    """A StatefulSet as the hub's."""
    container: dict[str, Any] = {"name": "hub", "image": "x", "ports": [{"containerPort": 8000}]}
    template = {
        "metadata": {"labels": {"app": "hub"}, "annotations": annotations},
        "spec": {"containers": [container]},
    }
    spec = {"serviceName": "hub", "selector": {"matchLabels": {"app": "hub"}}, "template": template}
    metadata = {"name": "tf-hub", "namespace": namespace}
    manifest = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}
    objects.apply(client, STATEFUL_SET, manifest, manager="test")


def texts(told: list[Event]) -> list[str]:
    """The sentences among the events."""
    return [event.text for event in told if isinstance(event, Notice)]


def test_notebook_waits_and_answers(client: Client, made: str) -> None:
    told: list[Event] = []
    hub(client, made)
    with notebook(client, made, told.append) as forwarding:
        with urllib.request.urlopen(f"http://{forwarding.address}/hub/", timeout=60) as answer:
            assert answer.status == 200
        assert forwarding.address.startswith("127.0.0.1:81")
    assert texts(told)[-1] == f"Forwarding {forwarding.address} to tf-hub-0:8000."


def test_notebook_takes_the_next_port(client: Client, made: str) -> None:
    told: list[Event] = []
    hub(client, made)
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with notebook(client, made, told.append, local=taken) as forwarding:
            assert forwarding.address != f"127.0.0.1:{taken}"
    assert any(text.startswith(f"Port {taken} is taken") for text in texts(told))


def test_no_hub(client: Client, made: str) -> None:
    with pytest.raises(NoTargetError, match=f"There is no notebook hub .StatefulSet tf-hub. in namespace {made}"):
        notebook(client, made)


def test_a_hub_that_does_not_come_up_says_why(client: Client, made: str) -> None:
    told: list[Event] = []
    hub(client, made, **{"sim/mode": "imagepull"})
    with pytest.raises(NotReadyError, match=r"Pod tf-hub-0 in namespace .* is not ready after 5 s: .*ImagePull"):
        notebook(client, made, told.append, timeout=5)
    assert "Waiting for tf-hub-0: ImagePullBackOff: image x." in texts(told)


def test_a_pod_that_comes_later(client: Client, made: str) -> None:
    told: list[Event] = []
    timer = threading.Timer(0.5, hub, (client, made))
    timer.start()
    wait_for_pod(client, made, "tf-hub-0", told.append, timeout=60)
    timer.join()
    assert texts(told)[0] == "Waiting for tf-hub-0: it does not exist yet."


def test_ports_that_the_target_declares(client: Client, made: str) -> None:
    hub(client, made)
    wait_for_pod(client, made, "tf-hub-0", timeout=60)
    with forward(client, made, "sts/tf-hub") as forwarding:
        assert len(forwarding.addresses) == 1
    with pytest.raises(MlstackError, match="is no pair of ports"):
        forward(client, made, "sts/tf-hub", ["x:y:z"])


def test_ctrl_c_ends_it_at_once(client: Client, made: str, kubeconfig: Path) -> None:
    hub(client, made)
    wait_for_pod(client, made, "tf-hub-0", timeout=60)
    code = f"""
from mlstack.actions.forward import notebook
from mlstack.cluster.connect import connect
try:
    with notebook(connect("minikube", {str(kubeconfig)!r}), {made!r}) as forwarding:
        print(forwarding.address, flush=True)
        forwarding.wait()
except KeyboardInterrupt:
    print("interrupted")
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout
    host, port = process.stdout.readline().strip().split(":")
    # A connection that is open and idle must not hold it.
    with socket.create_connection((host, int(port)), timeout=30):
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (out, err, process.returncode) == ("interrupted\n", "", 0)
