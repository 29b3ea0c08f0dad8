"""Forwarding, mlstack's beside kubectl's: through one API server and kwok to a process of this machine, in one run.

Both forward the same pod's port all the while; a case is measured with the one, then with the other. Every byte is
checked by its hash and every connection is counted, so that a lost one is an error and no better time.
"""

from __future__ import annotations

import contextlib
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from . import kept, pod
from .cells import Cell, Reading
from .measure import BenchError, Sample, turned
from .statistics import summary
from .table import seconds, table

CONTEXT = "bench-forward"
LARGE = 200_000_000
CASES = {
    "down": "200 MB down",
    "up": "200 MB up",
    "at once": "50 connections at once",
    "one by one": "1,000 short connections, one after another",
}
_OURS = """\
import sys
from mlstack.cluster.connect import connect
from mlstack.cluster.forward import Forwarding
from mlstack.cluster.targets import parse_ports, parse_target
pairs = [parse_ports(text) for text in sys.argv[2:]]
with Forwarding(connect(sys.argv[1]), "default", parse_target("web-0"), pairs) as forwarding:
    for address in forwarding.addresses:
        print("Forwarding from", address, flush=True)
    forwarding.wait()
"""


def down(port: int) -> None:
    """200 MB from the pod."""
    seen, buffer = sha256(), bytearray(1 << 20)
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        tcp.sendall(b"down %d\n" % LARGE)
        left = LARGE
        while left and (size := tcp.recv_into(buffer)):
            seen.update(memoryview(buffer)[:size])
            left -= size
    _same(seen.hexdigest(), pod.digest(LARGE))


def up(port: int) -> None:
    """200 MB to the pod."""
    with socket.create_connection(("127.0.0.1", port)) as tcp:
        tcp.sendall(b"up %d\n" % LARGE)
        for block in pod.blocks(LARGE):
            tcp.sendall(block)
        _same(tcp.recv(100).decode(), pod.digest(LARGE))


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


def _same(got: str, wanted: str) -> None:
    if got != wanted:
        raise BenchError(f"A forwarded connection brought {got!r}, not {wanted!r}.")


@contextlib.contextmanager
def forwarding(words: tuple[str, ...], count: int = 1) -> Iterator[tuple[int, list[int]]]:
    """The process id and the local ports of a command that forwards so many."""
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(words, stdout=said, stderr=subprocess.STDOUT)
        try:
            for _ in range(600):
                said.seek(0)
                found = re.findall(r"Forwarding from 127\.0\.0\.1:(\d+)", said.read())
                if len(found) == count:
                    break
                time.sleep(0.1)
            else:
                raise BenchError(f"{words[0]} does not forward.")
            yield process.pid, [int(port) for port in found]
        finally:
            process.terminate()
            process.wait()


@contextlib.contextmanager
def both(made: Path, context: str, *ports: int) -> Iterator[dict[str, tuple[int, list[int]]]]:
    """mlstack's and kubectl's forwards of the pod's ports: process ids and local ports."""
    pairs = [f":{port}" for port in ports]
    kubectl = (str(made / "kubectl"), "--context", context, "port-forward", pod.NAME, *pairs)
    with (
        forwarding((sys.executable, "-c", _OURS, context, *pairs), len(ports)) as ours,
        forwarding(kubectl, len(ports)) as theirs,
    ):
        yield {"mlstack": ours, "kubectl": theirs}


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


def run(folder: Path, rounds: int, open_seconds: float, key: str, cell: Cell) -> None:
    """Measure into a cell: each case with each tool, in turns; then a websocket through each, held open for so long."""
    os.environ["MLSTACK_SANDBOX_DIR"] = str(folder / "sandboxes")
    os.environ["KUBECONFIG"] = str(folder / "kubeconfig")
    with (
        pod.cluster("forward", CONTEXT, folder) as made,
        both(made.binaries, CONTEXT, pod.TCP, pod.WEBSOCKET) as tools,
    ):
        cell.drop(lambda one: True)
        for number in range(rounds):
            for case, work in WORK.items():
                for tool in turned(list(tools), number):
                    process, ports = tools[tool]
                    cell.readings.append(Reading(tool, case, number, key, measured(process, ports[0], work)))
        held = kept.side_by_side({tool: ports[1] for tool, (_, ports) in tools.items()}, open_seconds)
    cell.notes[:] = [forward_table(cell), kept_text(held)]


def kept_text(held: dict[str, kept.Kept]) -> str:
    """How two websockets fared, held open side by side."""
    phases = f"{sum(talks for _, talks in kept.PHASES)} phases of messages with silence between them"
    return f"A websocket held open through each at the same time, {phases}:\n\n" + "\n".join(
        f"- {tool}: {one}." for tool, one in held.items()
    )


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
