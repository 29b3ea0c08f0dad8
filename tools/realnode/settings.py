"""One node's name, addresses and folders. Several run side by side: each takes the next free numbers."""

from __future__ import annotations

import fcntl
import json
import os
import re
from dataclasses import asdict, dataclass
from pathlib import Path

from mlstack.errors import MlstackError

from . import places

NAME = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?")  # a context, a host and a folder
API_PORT = 8443
REGISTRY_PORT = 5000
SLOTS = 8
# A GKE node with GPUs says so by labels, from which mlstack knows the platform.
LABELS = {"gke": "cloud.google.com/gke-nodepool=real,cloud.google.com/gke-accelerator=nvidia-l4"}


@dataclass(frozen=True)
class Node:
    """A node: `slot` numbers the ones side by side and makes their addresses differ."""

    name: str
    slot: int
    control_plane: str
    """The folder with the API server and its like."""

    @property
    def folder(self) -> Path:
        """All that belongs to it and goes with it."""
        return places.nodes() / self.name

    @property
    def certificates(self) -> Path:
        """Keys, certificates and the daemons' kubeconfigs."""
        return self.folder / "pki"

    @property
    def kubeconfig(self) -> Path:
        """The administrator's; its one context has the node's name."""
        return self.folder / "kubeconfig"

    @property
    def logs(self) -> Path:
        """What each daemon said."""
        return self.folder / "log"

    @property
    def containers(self) -> Path:
        """Pulled and unpacked images, kept for the next node in this slot."""
        return places.root() / "containerd" / str(self.slot)

    @property
    def address(self) -> str:
        """The node's end of the cable."""
        return f"192.168.{49 + self.slot}.2"

    @property
    def host_address(self) -> str:
        """This machine's end of the cable."""
        return f"192.168.{49 + self.slot}.1"

    @property
    def cable(self) -> str:
        """The network interface on this machine; its cgroups, too."""
        return f"realnode{self.slot}"

    @property
    def server(self) -> str:
        """The API server's address."""
        return f"https://{self.address}:{API_PORT}"

    @property
    def pods(self) -> str:
        """The pods' addresses."""
        return f"10.244.{self.slot}.0/24"

    @property
    def services(self) -> str:
        """The services' addresses."""
        return f"10.{96 + self.slot}.0.0/16"

    def service(self, number: int) -> str:
        """One of them: 1 is the API server, 10 is DNS."""
        return f"10.{96 + self.slot}.0.{number}"

    @property
    def labels(self) -> str:
        """Labels as the kubelet takes them."""
        return LABELS.get(self.name, "mlstack.dev/real=true")

    def save(self) -> None:
        """Write down what it is, for the commands to come."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / "node.json").write_text(json.dumps(asdict(self)), "utf-8")


def load(name: str) -> Node | None:
    """The node of that name, if there is one."""
    path = places.nodes() / name / "node.json"
    return Node(**json.loads(path.read_text("utf-8"))) if path.is_file() else None


def names() -> list[str]:
    """The nodes there are, running or not."""
    return sorted(path.parent.name for path in places.nodes().glob("*/node.json"))


def new(name: str, control_plane: Path) -> tuple[Node, int]:
    """A node of that name in the first free slot, and the open lock that keeps others out of it.

    Raises MlstackError for a bad name and for too many nodes.
    """
    if not NAME.fullmatch(name):
        raise MlstackError(f"{name!r} can't name a node.", "Take at most 40 lower-case letters, digits and dashes.")
    for slot in range(SLOTS):
        lock = claim(slot)
        if lock is None:
            continue
        if not _in_use(slot):
            return Node(name, slot, str(control_plane)), lock
        os.close(lock)
    raise MlstackError(f"{SLOTS} nodes are up already.", "End one: python -m tools.realnode down NAME.")


def claim(slot: int) -> int | None:
    """The slot's lock, held until it is closed here and in every process that inherited it; None if it is taken."""
    path = places.root() / "slots" / str(slot)
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock


def _in_use(slot: int) -> bool:
    """Whether something else on this machine has the slot's network."""
    addresses = Path("/proc/net/fib_trie").read_text("ascii")
    return f"192.168.{49 + slot}.0" in addresses
