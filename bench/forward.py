"""Forwarding, mlstack's beside kubectl's: through one API server and kwok to a process of this machine, in one run.

Both forward the same pod's port all the while; a case is measured with the one, then with the other. Every byte is
checked by its hash and every connection is counted, so that a lost one is an error and no better time.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from mlstack import sandbox
from mlstack.sandbox import config

from .cells import Cell, Reading
from .measure import BenchError, Command, Sample, output_of, turned
from .statistics import summary
from .table import seconds, table

CONTEXT = "bench-forward"
POD_PORT = 9000
LARGE = 200_000_000
CASES = {
    "down": "200 MB down",
    "up": "200 MB up",
    "at once": "50 connections at once",
    "one by one": "1,000 short connections, one after another",
}
_BLOCK = hashlib.shake_256(b"block").digest(1 << 20)
_POD = """\
apiVersion: v1
kind: Pod
metadata: {name: web-0, namespace: default}
spec: {containers: [{name: c, image: x, ports: [{containerPort: 9000}]}]}
"""
_OURS = """\
import sys
from mlstack.cluster.connect import connect
from mlstack.cluster.forward import Forwarding
from mlstack.cluster.targets import parse_ports, parse_target
with Forwarding(connect(sys.argv[1]), "default", parse_target("web-0"), [parse_ports(":9000")]) as forwarding:
    print("Forwarding from", forwarding.address, flush=True)
    forwarding.wait()
"""


class Answer(socketserver.StreamRequestHandler):
    """The pod's process: `down N` sends N bytes, `up N` takes N and answers with their hash, `hello` says hello."""

    def handle(self) -> None:
        """One connection, one order."""
        words = self.rfile.readline().split()
        if words[0] == b"down":
            for size in _sizes(int(words[1])):
                self.connection.sendall(_BLOCK[:size])
        elif words[0] == b"up":
            seen, left = hashlib.sha256(), int(words[1])
            while left and (part := self.rfile.read1(min(left, 1 << 20))):
                seen.update(part)
                left -= len(part)
            self.connection.sendall(seen.hexdigest().encode())
        else:
            self.connection.sendall(b"hello")


class Pod(socketserver.ThreadingTCPServer):
    """Where the pod's port leads."""

    daemon_threads = True
    request_queue_size = 512


def _sizes(count: int) -> Iterator[int]:
    while count:
        yield min(count, len(_BLOCK))
        count -= min(count, len(_BLOCK))


def down(port: int) -> None:
    """200 MB from the pod."""
    seen, buffer = hashlib.sha256(), bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        tcp.sendall(b"down %d\n" % LARGE)
        left = LARGE
        while left and (size := tcp.recv_into(buffer)):
            seen.update(memoryview(buffer)[:size])
            left -= size
    _same(seen.hexdigest(), _hash())


def up(port: int) -> None:
    """200 MB to the pod."""
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        tcp.sendall(b"up %d\n" % LARGE)
        for size in _sizes(LARGE):
            tcp.sendall(_BLOCK[:size])
        _same(tcp.recv(100).decode(), _hash())


def hello(port: int) -> None:
    """A short connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as tcp:
        tcp.sendall(b"hello\n")
        _same(tcp.recv(5).decode(), "hello")


def at_once(port: int) -> None:
    """50 of them at once."""
    with ThreadPoolExecutor(50) as pool:
        list(pool.map(hello, [port] * 50))


def one_by_one(port: int) -> None:
    """1,000 of them, one after another."""
    for _ in range(1000):
        hello(port)


WORK: dict[str, Callable[[int], None]] = {"down": down, "up": up, "at once": at_once, "one by one": one_by_one}


def _hash() -> str:
    seen = hashlib.sha256()
    for size in _sizes(LARGE):
        seen.update(_BLOCK[:size])
    return seen.hexdigest()


def _same(got: str, wanted: str) -> None:
    if got != wanted:
        raise BenchError(f"A forwarded connection brought {got!r}, not {wanted!r}.")


@contextlib.contextmanager
def cluster(folder: Path, pod: int) -> Iterator[sandbox.Sandbox]:
    """A sandbox whose pod web-0 is the process behind the local port `pod`."""
    usual = config.documents

    def documents(ports: dict[str, int], listeners: dict[int, int], log: Path) -> Iterator[dict[str, Any]]:
        yield from usual(ports, listeners, log)
        forwards = [{"ports": [POD_PORT], "target": {"address": "127.0.0.1", "port": pod}}]
        head = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward"}
        yield {**head, "metadata": {"name": "web-0", "namespace": "default"}, "spec": {"forwards": forwards}}

    os.environ["MLSTACK_SANDBOX_DIR"] = str(folder / "sandboxes")
    os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
    config.documents = documents
    try:
        made = sandbox.up("forward", like="minikube", context=CONTEXT)
        file = folder / "pod.yaml"
        file.write_text(_POD)
        kubectl = (str(made.binaries / "kubectl"), "--context", CONTEXT)
        output_of(Command((*kubectl, "wait", "--for=create", "serviceaccount/default", "--timeout=60s")))
        output_of(Command((*kubectl, "apply", "-f", str(file))))
        output_of(Command((*kubectl, "wait", "--for=condition=Ready", "pod/web-0", "--timeout=60s")))
        yield made
    finally:
        config.documents = usual
        sandbox.down("forward")


@contextlib.contextmanager
def forwarding(words: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The process id and the local port of a forwarding command."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
        try:
            for _ in range(600):
                said.seek(0)
                found = re.search(r"Forwarding from 127\.0\.0\.1:(\d+)", said.read())
                if found:
                    break
                time.sleep(0.1)
            else:
                raise BenchError(f"{words[0]} does not forward.")
            yield process.pid, int(found[1])
        finally:
            process.terminate()
            process.wait()


def measured(pid: int, port: int, work: Callable[[int], None]) -> Sample:
    """The work's seconds, and the forwarder's CPU seconds and peak memory."""
    before, start = _cpu(pid), time.perf_counter()
    work(port)
    return Sample(round(time.perf_counter() - start, 4), round(_cpu(pid) - before, 2), _peak(pid))


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak(pid: int) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return round(int(found[1]) / 1000, 1) if found else 0.0


def run(folder: Path, rounds: int, key: str, cell: Cell) -> None:
    """Measure into a cell: each case with each tool, in turns."""
    with Pod(("127.0.0.1", 0), Answer) as pod:
        threading.Thread(target=pod.serve_forever, daemon=True).start()
        with cluster(folder, pod.server_address[1]) as made, contextlib.ExitStack() as stack:
            kubectl = (str(made.binaries / "kubectl"), "--context", CONTEXT, "port-forward", "web-0", ":9000")
            started = {
                "mlstack": stack.enter_context(forwarding((sys.executable, "-c", _OURS, CONTEXT))),
                "kubectl": stack.enter_context(forwarding(kubectl)),
            }
            cell.drop(lambda one: True)
            for number in range(rounds):
                for case, work in WORK.items():
                    for tool in turned(list(started), number):
                        cell.readings.append(Reading(tool, case, number, key, measured(*started[tool], work)))
        pod.shutdown()
    cell.notes[:] = [forward_table(cell)]


def forward_table(cell: Cell) -> str:
    """A row per case and tool. The ratio is kubectl's seconds to ours: 1.0 and more is as fast and faster."""
    rows = []
    for case, title in CASES.items():
        ratio = cell.ratio("kubectl", "mlstack", case)
        for tool in ("mlstack", "kubectl"):
            series = [one.sample for one in cell.of(tool, case)]
            times = summary([one.seconds for one in series])
            cost = [f"{max(one.cpu_s for one in series):.2f}", f"{max(one.peak_mb for one in series):.0f}"]
            shown = f"{ratio:.2f}" if ratio and tool == "mlstack" else ""
            rows.append([title, tool, seconds(times.minimum), seconds(times.median), shown, str(len(series)), *cost])
    return table(("case", "tool", "min", "median", "kubectl's / ours", "rounds", "CPU s", "peak MB"), rows, texts=2)
