"""Traffic through forwards to a process of this machine, mlstack's and kubectl's side by side: what kubectl keeps, we
keep. The numbers are bench's (`python -m bench forward`). kwok does not pass on that one direction is shut: that is in
test_tunnel.py."""

from __future__ import annotations

import hashlib
import re
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bench import kept, pod
from bench.forward import both, hello
from mlstack.sandbox import Sandbox
from tests.cluster.test_forward_doc import compare, until

CONTEXT = "traffic"
Tools = dict[str, tuple[int, list[int]]]
LARGE = 60_000_000


@pytest.fixture(scope="module")
def made(session_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A sandbox with the pod web-0, whose ports lead to processes of this machine."""
    with pod.cluster("traffic", CONTEXT, tmp_path_factory.mktemp("pod")) as found:
        yield found


@pytest.fixture(scope="module")
def tools(made: Sandbox) -> Iterator[Tools]:
    """Both forwards: process ids and local ports."""
    with both(made.binaries, CONTEXT, pod.TCP, pod.WEBSOCKET) as found:
        yield found


def test_who_reads_slowly_costs_no_memory_and_holds_nobody(tools: Tools) -> None:
    process, (port, _) = tools["mlstack"]
    hello(port)
    before = resident(process)
    seen = hashlib.sha256()
    with ThreadPoolExecutor(10) as pool, socket.create_connection(("127.0.0.1", port), timeout=120) as slow:
        slow.sendall(b"down %d\n" % LARGE)
        first = slow.recv(1 << 16)
        seen.update(first)
        left = LARGE - len(first)
        time.sleep(1)  # all that can wait on the way waits there
        list(pool.map(hello, [port] * 30))
        assert resident(process) - before < 12e6
        while left and (part := slow.recv(1 << 20)):
            seen.update(part)
            left -= len(part)
    assert seen.hexdigest() == pod.digest(LARGE)


def resident(process: int) -> int:
    """A process's memory in bytes."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) * 1000


def check_kept(tools: Tools, seconds: float) -> None:
    """A websocket through each, in traffic and silence."""
    held = kept.side_by_side({tool: ports[1] for tool, (_, ports) in tools.items()}, seconds)
    print("".join(f"\n{tool}: {one}" for tool, one in held.items()))
    assert [one.error for one in held.values()] == ["", ""]
    assert all(len(one.answers) > 2 * len(kept.PHASES) for one in held.values())
    assert held["mlstack"].seconds >= seconds


def test_a_websocket_stays_open(tools: Tools) -> None:
    check_kept(tools, 4)


@pytest.mark.slow
def test_a_websocket_stays_open_for_ten_minutes(tools: Tools) -> None:
    check_kept(tools, 600)


@pytest.fixture
def app(new_app: Callable[[str], Any], made: Sandbox) -> Any:
    """An app whose environment `lab` has the pod."""
    found = new_app("carried")
    found.do("env", "add", "lab", "--context", CONTEXT, "--namespace", "default")
    return found


def test_what_is_told_of_ports(app: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with app.start("port-forward", "lab", "web-0", f"{taken}:{pod.CLOSED}", f":{pod.TCP}") as process:
            out = until(process, "Ctrl-C ends") + process.stdout.readline()
            closed, good = (int(port) for port in re.findall(r"web-0: 127\.0\.0\.1:(\d+)", out))
            for _ in range(3):
                with socket.create_connection(("127.0.0.1", closed), timeout=60) as tcp:
                    tcp.sendall(b"hello\n")
                    with pytest.raises(ConnectionResetError):
                        tcp.recv(1)
            hello(good)
            process.send_signal(signal.SIGINT)
            rest, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    said = re.sub(r"\b\d\d:\d\d:\d\d\b", "12:03:11", out + rest)
    for port, name in ((taken, "8100"), (closed, "8101"), (good, "8102")):
        said = re.sub(rf"\b{port}\b", name, said)
    compare("ports", f"$ mlstack port-forward lab web-0 8100:{pod.CLOSED} :{pod.TCP}\n{said}^C\n")
