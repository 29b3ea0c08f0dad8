"""Forwarding through a real API server and a real kubelet, mlstack's beside kubectl's, in one run.

MLSTACK_REAL_OPEN_S: how long the kernels' connections stay open, 600 s unless it says otherwise.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import pytest

from bench.forward import CASES, WORK, measured
from tests.real.conftest import MakePlace
from tests.real.forwarded import Forwarded, Typed
from tests.real.hub import HubUser, Kernel
from tests.real.place import Place, until
from tools.realnode.recipes import default

pytestmark = pytest.mark.slow

OPEN_S = float(os.environ.get("MLSTACK_REAL_OPEN_S", "600"))
BEAT_S = 2.0
ROUNDS = 3
PORT = 9000
# What bench.forward's own pod answers with: `down N`, `up N`, anything else is a hello.
PROGRAM = """
import hashlib, socketserver
block = hashlib.shake_256(b"block").digest(1 << 20)
class Answer(socketserver.StreamRequestHandler):
    def handle(self):
        words = self.rfile.readline().split()
        if words[0] == b"hello":
            return self.connection.sendall(b"hello")
        left, seen = int(words[1]), hashlib.sha256()
        while left and words[0] == b"down":
            size = min(left, len(block))
            self.connection.sendall(block[:size])
            left -= size
        while left and (part := self.rfile.read1(min(left, 1 << 20))):
            seen.update(part)
            left -= len(part)
        if words[0] == b"up":
            self.connection.sendall(seen.hexdigest().encode())
class Server(socketserver.ThreadingTCPServer):
    daemon_threads, request_queue_size = True, 512
Server(("", 9000), Answer).serve_forever()
"""


class Kubectl:
    """`kubectl port-forward POD :PORT`, as its user would type it."""

    def __init__(self, place: Place, pod: str, port: int, log: Path) -> None:
        program = Path(place.node.control_plane) / "kubectl"
        where = ("--kubeconfig", str(place.node.kubeconfig), "-n", place.namespace)
        words = [str(program), *where, "port-forward", pod, f":{port}"]
        with log.open("w") as file:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=file, stderr=file)
        until(lambda: "Forwarding from 127.0.0.1:" in log.read_text(), "kubectl to forward")
        self.port = int(log.read_text().partition("127.0.0.1:")[2].split()[0])

    def end(self) -> None:
        """It ends."""
        self.process.terminate()
        self.process.wait()


@contextmanager
def beside(place: Place, pod: str, port: int, log: Path) -> Iterator[Kubectl]:
    """kubectl's forward within a block."""
    running = Kubectl(place, pod, port, log)
    try:
        yield running
    finally:
        running.end()


@pytest.fixture
def web(new_place: MakePlace) -> Place:
    """A place whose pod web-0 answers on a port."""
    place = new_place("forward")
    container = {
        "name": "main",
        "image": default("kubeflow-core", "hub_image"),
        "command": ["python3", "-c", PROGRAM],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
    }
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web-0"}, "spec": {"containers": [container]}}
    place.kubectl("apply", "-f", "-", stdin=json.dumps(pod))
    place.kubectl("wait", "--for=condition=Ready", "pod/web-0", "--timeout=120s")
    return place


def test_much_many_and_often(web: Place, tmp_path: Path) -> None:
    """200 MB down and up, 50 connections at once, 1,000 one by one: every byte and every connection is checked."""
    with (
        Typed(web, "port-forward", "minikube", "web-0", f"0:{PORT}") as ours,
        beside(web, "web-0", PORT, tmp_path / "log") as theirs,
    ):
        port = int(ours.find(r"web-0: 127\.0\.0\.1:(\d+)"))
        tools = {"mlstack": (ours.process.pid, port), "kubectl": (theirs.process.pid, theirs.port)}
        for case, work in WORK.items():
            taken = {name: [measured(*where, work) for _ in range(ROUNDS)] for name, where in tools.items()}
            best = {name: min(one.seconds for one in found) for name, found in taken.items()}
            cost = {name: min(one.cpu_s for one in found) for name, found in taken.items()}
            peak = {name: max(one.peak_mb for one in found) for name, found in taken.items()}
            print(f"{CASES[case]}: kubectl's time is {best['kubectl'] / best['mlstack']:.2f} of ours")
            print("  " + "; ".join(f"{n} {best[n]:.2f} s, {cost[n]:.2f} s CPU, {peak[n]:.0f} MB" for n in tools))
        assert max(one.peak_mb for one in taken["mlstack"]) < 150  # bounded: a fraction of what went through


@contextmanager
def kernels(place: Place, log: Path) -> Iterator[Mapping[str, Kernel]]:
    """Three kernels of one user's notebook: through `mlstack notebook`, `mlstack port-forward` and kubectl."""
    with ExitStack() as stack:
        notebook = Forwarded(place)
        stack.callback(notebook.end)
        plain = stack.enter_context(Typed(place, "port-forward", "minikube", "tf-hub-0", "0:8000"))
        theirs = stack.enter_context(beside(place, "tf-hub-0", 8000, log))
        ways = {
            "mlstack notebook": notebook.address,
            "mlstack port-forward": "http://" + plain.find(r"tf-hub-0: (127\.0\.0\.1:\d+)"),
            "kubectl port-forward": f"http://127.0.0.1:{theirs.port}",
        }
        users = {way: HubUser(address, "lin") for way, address in ways.items()}
        for user in users.values():
            assert user.log_in(notebook.password)
            user.start()
        yield {way: stack.enter_context(user.kernel()) for way, user in users.items()}
        users["mlstack notebook"].ask("/hub/api/users/lin/server", {}, "DELETE")
        until(lambda: "pod/jupyter-lin" not in place.left(), "the notebook to stop")


def test_kernels_stay_connected(stack: Place, tmp_path: Path) -> None:
    """A third of the time with traffic, a third without a word of ours, a third with traffic again: one connection."""
    with kernels(stack, tmp_path / "log") as found:
        took: dict[str, list[float]] = {way: [] for way in found}
        lost: dict[str, str] = {}
        for kernel in found.values():
            kernel.run("count = 0")
        for part in range(3):
            until_s = time.monotonic() + OPEN_S / 3
            if part == 1:
                time.sleep(OPEN_S / 3)
            while part != 1 and time.monotonic() < until_s:
                for way in found.keys() - lost.keys():
                    _beat(way, found[way], took[way], lost)
                time.sleep(BEAT_S)
        for way, times in took.items():
            print(f"{way}: {len(times)} cells, median {1000 * median(times):.1f} ms, {lost.get(way, 'never lost')}")
        counted = {way: int(kernel.run("print(count)")) for way, kernel in found.items() if way not in lost}
        assert counted == {way: len(times) for way, times in took.items() if way not in lost}
        assert not [way for way in lost if way.startswith("mlstack")]


def _beat(way: str, kernel: Kernel, took: list[float], lost: dict[str, str]) -> None:
    began = time.monotonic()
    try:
        assert kernel.run("count += 1; print(count, 'x' * 10_000)").split()[0] == str(len(took) + 1)
    except OSError as error:
        lost[way] = f"lost after {len(took)} cells: {error}"
    took.append(time.monotonic() - began)
