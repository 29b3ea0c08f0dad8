"""Process 1 of a node: `python -m tools.realnode.node FOLDER TIE`, started in namespaces of its own by cluster.py.

It mounts and connects what the node has for itself, starts the daemons in order and waits. When it ends, everything
on the node ends with it: when a daemon ends by itself, or when the pipe TIE (a file descriptor, or -) closes because
the process that holds its other end is gone.
"""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from mlstack.errors import MlstackError

from . import daemons, places
from .settings import Node, load
from .shell import run

WAIT_S = 120.0
PROXY = "kube-proxy"
PROXY_STARTS = 5
CGROUPS = Path("/sys/fs/cgroup")


def prepare(node: Node) -> None:
    """Mounts and cgroups: the node's own /var/lib, /var/log and /run; its pods' processes are counted apart."""
    # Shared among the node's own mounts alone: the kubelet passes mounts on to containers.
    run(["mount", "--make-rprivate", "/"], "Making mounts the node's own")
    run(["mount", "--make-rshared", "/"], "Making mounts the node's own")
    _mount_over(node.folder / "resolv.conf", Path("/etc/resolv.conf").resolve())
    for name in ("lib", "log"):
        own = node.folder / "var" / name
        own.mkdir(parents=True, exist_ok=True)
        _mount_over(own, Path("/var") / name)
    run(["mount", "-t", "tmpfs", "tmpfs", "/run"], "Mounting /run")
    for folder in ("/var/lib/kubelet", "/var/lib/local-path", "/run/containerd", "/run/netns", "/run/lock"):
        Path(folder).mkdir(parents=True, exist_ok=True)
    for group in cgroup_folders(node):
        group.mkdir(exist_ok=True)
        _copy_cpuset(group)


def _mount_over(own: Path, place: Path) -> None:
    if place.exists():
        run(["mount", "--bind", own, place], f"Mounting {place}")


def cgroup_folders(node: Node) -> list[Path]:
    """The node's folder in every hierarchy of cgroups: one with version 2, a dozen with version 1."""
    if (CGROUPS / "cgroup.controllers").exists():
        return [CGROUPS / node.cable]
    return [entry / node.cable for entry in CGROUPS.iterdir() if (entry / "cgroup.procs").exists()]


def _copy_cpuset(folder: Path) -> None:
    """With version 1 a new cpuset is empty; with version 2 the controllers are passed down."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        if (folder.parent / name).exists():
            (folder / name).write_text((folder.parent / name).read_text("ascii"), "ascii")
    if folder.parent == CGROUPS:
        known = (CGROUPS / "cgroup.controllers").read_text("ascii").split()
        (CGROUPS / "cgroup.subtree_control").write_text(" ".join(f"+{name}" for name in known), "ascii")


def connect(node: Node) -> None:
    """The node's end of the cable, once it is plugged in; and a way to services for the API server's webhooks."""
    _until(lambda: Path("/sys/class/net/eth0").exists() or "eth0" in _interfaces(), "its network cable")
    steps = (
        ["link", "set", "lo", "up"],
        ["addr", "add", f"{node.address}/24", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
        # kube-proxy rewrites a service's address, but only of a packet that has a route.
        ["route", "add", node.services, "dev", "eth0", "src", node.address],
    )
    for words in steps:
        run(["ip", *words], "Connecting the node")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1", "ascii")


def _interfaces() -> str:
    return Path("/proc/net/dev").read_text("ascii")


def _until(there: Callable[[], bool], what: str) -> None:
    """Wait. Raises MlstackError after a while."""
    deadline = time.monotonic() + WAIT_S
    while not there():
        if time.monotonic() > deadline:
            raise MlstackError(f"The node waited {WAIT_S:.0f} s for {what}.")
        time.sleep(0.05)


class Daemons:
    """What runs on the node."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.running: dict[int, str] = {}
        self.proxies = 0
        self.environment = {**os.environ, **daemons.environment(node)}

    def start(self, words: list[str], name: str = "") -> None:
        """Start one, what it says into a file of its own."""
        name = name or words[0]
        with (self.node.logs / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                words, env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=places.REPOSITORY
            )
        self.running[process.pid] = name

    def start_all(self) -> None:
        """All, each when what it needs answers."""
        node = self.node
        self.start(daemons.registry(node), "registry")
        self.start(daemons.containerd(node))
        self.start(daemons.etcd(node))
        self.wait_for(f"{daemons.ETCD}/health", None)
        self.start(daemons.api_server(node))
        self.wait_for(f"{node.server}/readyz", ssl.create_default_context(cafile=str(node.certificates / "ca.crt")))
        self.start(daemons.controller_manager(node))
        self.start(daemons.scheduler(node))
        self.start_proxy()
        _until(_containerd_answers, "containerd")
        self.start(daemons.kubelet(node))

    def start_proxy(self) -> None:
        """Start kube-proxy. It ends when it learns the node's address late, and wants to be started again."""
        self.proxies += 1
        self.start(daemons.proxy(self.node), PROXY)

    def wait_for(self, address: str, context: ssl.SSLContext | None) -> None:
        """Wait until the address answers with success."""

        def answers() -> bool:
            try:
                urllib.request.urlopen(address, timeout=2, context=context).close()
            except (urllib.error.URLError, OSError):
                return False
            return True

        _until(answers, address)

    def watch(self) -> None:
        """Gather orphans' ends, as process 1 must, until a daemon ends by itself."""
        while True:
            pid, status = os.wait()
            name = self.running.pop(pid, None)
            if name == PROXY and self.proxies < PROXY_STARTS:
                self.start_proxy()
            elif name:
                raise MlstackError(f"{name} ended ({status}): {self.last_word(name)}", f"See {self.node.logs}.")

    def last_word(self, name: str) -> str:
        """The last line that a daemon said: its log goes with the node."""
        lines = (self.node.logs / f"{name}.log").read_text("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else "not a word"


def _containerd_answers() -> bool:
    with socket.socket(socket.AF_UNIX) as trial, contextlib.suppress(OSError):
        trial.connect(daemons.CONTAINERD)
        return True
    return False


def _end_with(tie: int) -> None:
    """End the node when the pipe closes: nobody writes into it."""
    while os.read(tie, 1):
        pass
    os._exit(0)


def main(name: str, tie: str) -> None:
    """Be process 1 until the node ends."""
    node = load(name)
    if node is None:
        raise MlstackError(f"There is no node {name}.")
    if tie != "-":
        threading.Thread(target=_end_with, args=(int(tie),), daemon=True).start()
    prepare(node)
    connect(node)
    running = Daemons(node)
    running.start_all()
    running.watch()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:3])
    except MlstackError as error:
        sys.exit(str(error))
