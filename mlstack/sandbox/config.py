"""kwokctl's configuration for a sandbox: ports, loopback, stages, forwards and logs."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from mlstack.errors import MlstackError

from . import pages
from .stages import stages

PORTS = range(20_000, 32_000)
"""Below the range that systems take outgoing connections' ports from (32768 on Linux, 49152 on macOS), so that a
stopped sandbox finds its own again."""

COMPONENT_PORTS = (
    "etcdPort",
    "etcdPeerPort",
    "kubeApiserverPort",
    "kwokControllerPort",
    "kubeControllerManagerPort",
    "kubeSchedulerPort",
)
LOG_LINE = "{time} stdout F This pod is simulated (mlstack sandbox {name}): no container runs, so nothing is logged.\n"


def free_ports(count: int, held: ExitStack) -> list[int]:
    """Ports that nobody listens on now. Until `held` is closed nobody else who chooses here gets one of them, also
    while nothing listens there yet.
    """
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        if len(found) == count:
            return found
        if is_free(port) and _hold(port, held):
            found.append(port)
    raise MlstackError(f"This machine has no {count} free ports between {PORTS.start} and {PORTS.stop}.")


def _hold(port: int, held: ExitStack) -> bool:
    """Takes the port's number, by UDP's port of that number: nobody uses it, and it is given back whatever happens."""
    mark = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
    try:
        mark.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(held: ExitStack) -> tuple[dict[str, int], dict[int, int]]:
    """Ports for the control plane by kwokctl's names, and listeners for pods' ports (0: any other); ours while held."""
    pod_ports = (0, *pages.KNOWN_PORTS)
    ports = free_ports(len(COMPONENT_PORTS) + len(pod_ports), held)
    own, listeners = ports[: len(COMPONENT_PORTS)], ports[len(COMPONENT_PORTS) :]
    return dict(zip(COMPONENT_PORTS, own, strict=True)), dict(zip(pod_ports, listeners, strict=True))


def documents(ports: dict[str, int], listeners: dict[int, int], log: Path) -> Iterable[dict[str, Any]]:
    """The whole of `kwokctl create cluster --config`: its own options, and all that kwok simulates."""
    yield kwokctl(ports)
    yield from stages()
    yield _kwok("ClusterPortForward", {"forwards": [_forward(*pair) for pair in listeners.items()]})
    logs = [{"logsFile": str(log), "previousLogsFile": str(log), "follow": False}]
    yield _kwok("ClusterLogs", {"logs": logs})


def kwokctl(ports: dict[str, int]) -> dict[str, Any]:
    """Loopback only, our own ports, and no throttling of the controllers. A single scheduler and controller manager
    need no election, which would make a restarted one wait for the old one's lease."""
    alone = [{"key": "leader-elect", "value": "false"}]
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": {"bindAddress": "127.0.0.1", "disableQPSLimits": True, **ports},
        "componentsPatches": [
            {"name": name, "extraArgs": alone} for name in ("kube-scheduler", "kube-controller-manager")
        ],
    }


def _kwok(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": kind, "metadata": {"name": "sandbox"}, "spec": spec}


def _forward(pod_port: int, local: int) -> dict[str, Any]:
    ports = {"ports": [pod_port]} if pod_port else {}
    return {**ports, "target": {"address": "127.0.0.1", "port": local}}


def text(ports: dict[str, int], listeners: dict[int, int], log: Path) -> str:
    """The configuration as YAML."""
    return yaml.safe_dump_all(documents(ports, listeners, log), sort_keys=False, width=1_000_000)
