"""Ctrl-C at any moment of a forwarding command's life: no traceback, no process, no listener is left."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from mlstack.actions.forward import wait_for_pod
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known

ENDS = "Ctrl-C ends"
ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Point(NamedTuple):
    """Ctrl-C comes `pause` seconds after the words, or after the start; in the middle of a `transfer`, too."""

    words: str
    pause: float
    transfer: bool = False


IN_TRANSFER = Point(ENDS, 0.3, transfer=True)
# From the first import to the last byte.
POINTS = [
    *(Point("", pause) for pause in (0.02, 0.1, 0.25, 0.5, 0.8, 1.2)),
    Point("Forwarding", 0.0),
    Point(ENDS, 0.0),
    IN_TRANSFER,
]
COMMANDS = [["port-forward", "lab", "web", ":8000"], ["notebook", "lab", "--port", "0"], ["serving", "lab", "web"]]


@pytest.fixture
def app(new_app: Callable[[str], Any], client: Client, made: str) -> Any:
    """An app with the environment `lab`, in which a hub and a model server run."""
    found = new_app("stopped")
    found.do("env", "add", "lab", "--context", "minikube", "--namespace", made)
    found.do("generate", "tf-serving", "web", "--model_path", "gs://m/web")
    for name, labels in (("tf-hub", {"app": "hub"}), ("web", {"app": "web", "app.kubernetes.io/instance": "web"})):
        container = {"name": "c", "image": "x", "ports": [{"containerPort": 8000}]}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
        spec = {"serviceName": name, "selector": {"matchLabels": labels}, "template": template}
        head = {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": name, "namespace": made}}
        objects.apply(client, well_known("apps/v1", "StatefulSet"), {**head, "spec": spec}, manager="test")
    for name in ("tf-hub-0", "web-0"):
        wait_for_pod(client, made, name, timeout=60)
    return found


def traffic(port: int) -> None:
    """Asks again and again on one connection until it ends."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=60) as tcp:
            tcp.sendall(ASK)
            while tcp.recv(1 << 16):
                tcp.sendall(ASK)
    except OSError:
        return


def interrupted(process: subprocess.Popen[str], point: Point) -> tuple[str, str]:
    """The outputs of a command that hears Ctrl-C at that point."""
    assert process.stdout
    said = ""
    while point.words and point.words not in said:
        line = process.stdout.readline()
        assert line, process.communicate()
        said += line
    asking = [threading.Thread(target=traffic, args=(port,), daemon=True) for port in ports(said) if point.transfer]
    for thread in asking:
        thread.start()
    time.sleep(point.pause)
    assert all(thread.is_alive() for thread in asking)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    for thread in asking:
        thread.join(60)
    return said + out, err


def ports(said: str) -> list[int]:
    """The local ports that a command said it listens on."""
    return [int(port) for port in re.findall(r"Forwarding 127\.0\.0\.1:(\d+)", said)]


def check(app: Any, words: list[str], point: Point) -> None:
    """One command, stopped at one point."""
    with app.start(*words) as process:
        out, err = interrupted(process, point)
    if not point.words and re.search("Traceback", err) and not re.search(r'__main__\.py", line \d+, in main', err):
        return  # before our first line Python itself and pip's little script end by the signal, in words of their own
    assert not re.search("Traceback|Exception|Error", out + err)
    assert process.returncode in ((0,) if point.words else (0, 130, -signal.SIGINT))
    assert bool(ports(out)) >= bool(point.words)
    for port in ports(out):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)


def test_ctrl_c_while_it_starts_and_while_it_carries(app: Any) -> None:
    check(app, COMMANDS[0], Point("", 0.25))
    check(app, COMMANDS[1], IN_TRANSFER)


@pytest.mark.slow
@pytest.mark.parametrize("words", COMMANDS, ids=[command[0] for command in COMMANDS])
def test_ctrl_c_at_any_moment(app: Any, words: list[str]) -> None:
    for point in POINTS:
        check(app, words, point)
