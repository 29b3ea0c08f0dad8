"""Nodes up and down, seen from this machine."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from mlstack.errors import MlstackError, NotReadyError

from . import build, certs, daemons, images, places, recipes, settings, store
from .node import cgroup_folders
from .settings import Node
from .shell import run

READY_S = 180.0
ADDONS = (("kube-system", "coredns"), ("local-path-storage", "local-path-provisioner"))
Say = Callable[[str], None]


def able() -> str:
    """Why no node can run here, in a sentence; empty if one can."""
    if not sys.platform.startswith("linux"):
        return f"A real node runs on Linux, not on {sys.platform}."
    if os.geteuid() != 0:
        return "A real node needs root: it makes namespaces, mounts and a network interface of its own."
    wanted = [tool for tool in ("unshare", "nsenter", "ip", "openssl", "apt-get", "npm") if not shutil.which(tool)]
    if wanted:
        return f"A real node needs {', '.join(wanted)}, which this machine lacks."
    probe = ["unshare", "--mount", "--net", "--pid", "--uts", "--fork", "mount", "-t", "tmpfs", "tmpfs", "/run"]
    if subprocess.run(probe, capture_output=True, check=False).returncode != 0:
        return "A real node needs root with all its rights: this machine gives it no namespaces and mounts."
    return ""


def require_able() -> None:
    """Raise MlstackError where no node can run."""
    reason = able()
    if reason:
        raise MlstackError(reason, "mlstack sandbox gives a real API server on any machine.")


def up(name: str, *, gpus: int = 0, tied: bool = False, say: Say = lambda _: None) -> Node:
    """A node called `name`, new or as it is already; its context has that name, too.

    `gpus` are pretended: the node says it has them. A tied node ends with this process, however that ends. Raises
    MlstackError if parts are missing, NotReadyError if it does not get ready.
    """
    require_able()
    node = settings.load(name)
    if node is None or process(node) is None:
        images.require(recipes.everything()[:4])
        down(name)
        node, lock = settings.new(name, build.control_plane())
        try:
            _prepare(node)
            _start(node, tied, lock)
        finally:
            os.close(lock)  # the node itself holds it on
        _plug_in(node)
    _wait_until_ready(node, say)
    if gpus:
        _pretend_gpus(node, gpus)
    return node


def _prepare(node: Node) -> None:
    node.save()
    _forget_old_images(node)
    certs.make(node)
    daemons.write_files(node)


def _forget_old_images(node: Node) -> None:
    """Unpacked images are kept for the next start, unless one was made again under the same name."""
    record = node.containers.with_suffix(".json")
    now, then = store.tags(), json.loads(record.read_text("ascii")) if record.is_file() else {}
    if any(now.get(name) != digest for name, digest in then.items()):
        shutil.rmtree(node.containers, ignore_errors=True)
    record.parent.mkdir(parents=True, exist_ok=True)
    record.write_text(json.dumps(now), "ascii")


def _start(node: Node, tied: bool, lock: int) -> None:
    node.logs.mkdir(parents=True, exist_ok=True)
    apart = ["unshare", "--mount", "--net", "--uts", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
    reading = os.pipe()[0] if tied else None  # the other end stays open as long as this process lives
    words = [*apart, sys.executable, "-m", "tools.realnode.node", node.name, "-" if reading is None else str(reading)]
    with (node.logs / "node.log").open("ab") as log:
        started = subprocess.Popen(
            words, cwd=places.REPOSITORY, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            pass_fds=(lock,) if reading is None else (lock, reading),
        )  # fmt: skip
    if reading is not None:
        os.close(reading)
    (node.folder / "pid").write_text(str(started.pid), "ascii")


def process(node: Node) -> int | None:
    """The node's process 1 as this machine numbers it; None if it does not run."""
    try:
        parent = int((node.folder / "pid").read_text("ascii"))
        command = Path(f"/proc/{parent}/cmdline").read_bytes()
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text("ascii").split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    ours = b"tools.realnode.node\0" + node.name.encode() + b"\0" in command
    return int(children[0]) if ours and children else None


def _plug_in(node: Node) -> None:
    """The cable between this machine and the node; it goes with the node's namespace."""
    deadline = time.monotonic() + 10
    while (pid := process(node)) is None:
        if time.monotonic() > deadline:
            raise NotReadyError(f"Node {node.name} did not start.", _last_words(node))
        time.sleep(0.02)
    run(["ip", "link", "add", node.cable, "type", "veth", "peer", "name", "eth0", "netns", str(pid)], "The cable")
    run(["ip", "addr", "add", f"{node.host_address}/24", "dev", node.cable], "The cable's address")
    run(["ip", "link", "set", node.cable, "up"], "The cable")


def kubectl(node: Node, *words: str, stdin: str | None = None) -> str:
    """The pinned kubectl as the node's administrator. Raises MlstackError with what it said."""
    program = Path(node.control_plane) / "kubectl"
    return run([program, "--kubeconfig", node.kubeconfig, *words], f"kubectl {words[0]}", stdin=stdin)


def _wait_until_ready(node: Node, say: Say) -> None:
    started = time.monotonic()
    _wait(node, "--raw", "/readyz")
    say(f"API server ready at {node.server} after {time.monotonic() - started:.1f} s")
    for file in sorted((places.SOURCE / "manifests").glob("*.yaml")):
        text = file.read_text("utf-8").replace("@DNS@", node.service(10))
        kubectl(node, "apply", "--server-side", "-f", "-", stdin=text)
    ready = '{.status.conditions[?(@.type=="Ready")].status}'
    _wait(node, "node", node.name, "-o", f"jsonpath={ready}", wanted="True")
    say(f"node {node.name} ready after {time.monotonic() - started:.1f} s")
    for namespace, deployment in ADDONS:
        path = "jsonpath={.status.availableReplicas}"
        _wait(node, "-n", namespace, "deployment", deployment, "-o", path, wanted="1")
    say(f"DNS and storage ready after {time.monotonic() - started:.1f} s")


def _wait(node: Node, *words: str, wanted: str = "") -> None:
    """Wait until `kubectl get WORDS` prints what is wanted, or anything at all."""
    deadline = time.monotonic() + READY_S
    said = ""
    while process(node) is not None and time.monotonic() < deadline:
        try:
            said = kubectl(node, "get", *words).strip()
        except MlstackError as error:
            said = error.message
        else:
            if said == wanted or not wanted:
                return
        time.sleep(0.1)
    raise NotReadyError(f"Node {node.name} did not get ready: {' '.join(words)} says {said!r}.", _last_words(node))


def _last_words(node: Node) -> str:
    path = node.logs / "node.log"
    lines = path.read_text("utf-8", "replace").strip().splitlines() if path.exists() else []
    return " / ".join(lines[-3:]) or f"{node.logs} has what its daemons said."


def _pretend_gpus(node: Node, count: int) -> None:
    patch = [{"op": "add", "path": "/status/capacity/nvidia.com~1gpu", "value": str(count)}]
    kubectl(node, "patch", "node", node.name, "--subresource=status", "--type=json", "-p", json.dumps(patch))


def inside(name: str, words: Sequence[str]) -> list[str]:
    """The words that run a command on the node, and its environment. Raises MlstackError if it does not run."""
    node = settings.load(name)
    pid = process(node) if node else None
    if node is None or pid is None:
        raise MlstackError(f"No node {name} is up.", f"Start it: python -m tools.realnode up {name}.")
    env = [f"{key}={value}" for key, value in daemons.environment(node).items()]
    return ["nsenter", "-t", str(pid), "-m", "-n", "-p", "-u", "--", "env", *env, *words]


def down(name: str, *, wipe: bool = False) -> bool:
    """End the node and remove all that belongs to it, its unpacked images only with `wipe`; whether there was one."""
    node = settings.load(name)
    if node is not None:
        _end(node)
        lock = settings.claim(node.slot)
        if lock is not None:
            _remove_cgroups(node)
            os.close(lock)
        shutil.rmtree(node.folder, ignore_errors=True)
        if wipe:
            shutil.rmtree(node.containers, ignore_errors=True)
    return node is not None


def _end(node: Node) -> None:
    """Kill process 1: the kernel ends everything in its namespace with it."""
    pid = process(node)
    if pid is None:
        return
    parent = int((node.folder / "pid").read_text("ascii"))
    os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(parent, 0)
    # The kernel takes the network down a moment after the last process.
    while Path(f"/proc/{pid}").exists() or Path("/sys/class/net", node.cable).exists():
        time.sleep(0.02)


def _remove_cgroups(node: Node) -> None:
    """A cgroup is removed from its leaves, and only when the last of its processes is gone."""
    for folder in cgroup_folders(node):
        deadline = time.monotonic() + 5
        while folder.exists() and time.monotonic() < deadline:
            for inner, _, _ in os.walk(folder, topdown=False):
                with contextlib.suppress(OSError):
                    os.rmdir(inner)
            time.sleep(0.02)
