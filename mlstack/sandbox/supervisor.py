"""The background process of a sandbox: `python -m mlstack.sandbox.supervisor FOLDER`.

It answers for simulated pods' ports, and keeps the training operator running that the cluster asks for. It ends when
it is told to (SIGTERM), or by itself, with the control plane, when the sandbox's folder is gone; the operator of a
killed one is ended by the next.
"""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from mlstack.errors import MlstackError

from . import operator, pages, pins, processes
from .api import Api
from .config import free_ports
from .home import Home, home, write_atomically
from .state import Record, load

INTERVAL_S = 0.5
TOKEN_S = 365 * 24 * 3600
LONGEST_PAUSE_S = 30.0
STABLE_S = 60.0


@dataclass
class Running:
    """The operator's process, what it was started for, and since when (by the monotonic clock)."""

    process: subprocess.Popen[bytes]
    wanted: operator.Wanted
    since: float


class Keeper:
    """Keeps the one operator that the cluster asks for, and says in a file how that goes."""

    def __init__(self, place: Home, record: Record) -> None:
        self.place = place
        self.binary = Path(record.binaries) / pins.OPERATOR
        self.server = record.server
        self.running: Running | None = None
        self.restarts = 0
        self.not_before = 0.0
        self.said: dict[str, Any] = {}
        self.api: Api | None = None

    def step(self) -> None:
        """Look once, and do what is needed. A control plane that does not answer leaves all as it is."""
        try:
            self.api = self.api or Api(self.place.admin_kubeconfig)
            asked = operator.wanted(self.api.items(operator.DEPLOYMENTS))
            self.follow(asked)
        except (OSError, MlstackError) as error:
            self.say(**{**self.said, "note": str(error)})

    def follow(self, asked: operator.Wanted | None) -> None:
        """Have exactly what is asked for running."""
        if self.running is not None and self.running.process.poll() is not None:
            self.note_death(self.running)
        if self.running is not None and self.running.wanted != asked:
            self.stop()
            self.restarts, self.not_before = 0, 0.0
        if asked is None:
            self.say(state="absent", reason="no Deployment of a training operator was applied")
        elif self.running is None:
            self.try_to_start(asked)

    def note_death(self, running: Running) -> None:
        """Remember that it died, and wait longer each time unless it had run for long."""
        lasted = time.monotonic() - running.since
        self.restarts = 1 if lasted > STABLE_S else self.restarts + 1
        self.not_before = time.monotonic() + min(LONGEST_PAUSE_S, 0.5 * 2**self.restarts)
        code = running.process.returncode
        self.running = None
        self.say(
            state="restarting",
            deployment=running.wanted.deployment,
            reason=f"it ended with {code}; its log is {self.log}",
            restarts=self.restarts,
        )

    def try_to_start(self, asked: operator.Wanted) -> None:
        """Start it if all it needs is there; else say what is missing."""
        lacking = self.lacking(asked)
        if lacking:
            self.say(state="waiting", deployment=asked.deployment, reason=lacking, restarts=self.restarts)
        elif time.monotonic() >= self.not_before:
            self.start(asked)

    def lacking(self, asked: operator.Wanted) -> str:
        """What still has to come before the operator can start; empty if nothing."""
        assert self.api is not None
        if not self.binary.exists():
            return f"there is no {pins.OPERATOR} in {self.binary.parent}; `mlstack sandbox up --build` makes it"
        served = {entry["name"] for entry in (self.api.get(operator.JOBS) or {}).get("resources", [])}
        if missing := sorted(asked.resources - served):
            return f"not served yet: {', '.join(missing)}"
        if not asked.ready:
            return "its pod is not ready"
        path = f"/api/v1/namespaces/{asked.namespace}/serviceaccounts/{asked.account}"
        return "" if self.api.get(path) is not None else f"there is no ServiceAccount {asked.namespace}/{asked.account}"

    def start(self, asked: operator.Wanted) -> None:
        """Start the process, as the Deployment's ServiceAccount."""
        folder = self.place.operator
        write_atomically(folder / "kubeconfig.json", json.dumps(self.kubeconfig(asked)))
        with contextlib.ExitStack() as held:
            command = operator.command(self.binary, asked, folder, free_ports(1, held)[0])
        env = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "MY_POD_NAMESPACE": asked.namespace, **asked.env}
        process = processes.spawn(command, self.log, folder, env)
        self.running = Running(process, asked, time.monotonic())
        self.say(state="running", deployment=asked.deployment, pid=process.pid, restarts=self.restarts)

    def kubeconfig(self, asked: operator.Wanted) -> dict[str, Any]:
        """A kubeconfig with a fresh token of the operator's ServiceAccount."""
        assert self.api is not None
        path = f"/api/v1/namespaces/{asked.namespace}/serviceaccounts/{asked.account}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": TOKEN_S},
        }
        token = self.api.create(path, request)["status"]["token"]
        return operator.kubeconfig(self.server, self.place.cluster / "pki" / "ca.crt", token, asked.namespace)

    @property
    def log(self) -> Path:
        """Where the operator writes."""
        return self.place.operator / "operator.log"

    def stop(self) -> None:
        """End the operator and wait for it."""
        if self.running is not None:
            found = processes.lookup(self.running.process.pid)
            if found is not None:
                processes.end([found])
            self.running.process.wait()
            self.running = None

    def say(self, **said: Any) -> None:
        """Write down how it stands, if that changed."""
        if said != self.said and self.place.state.exists():
            self.said = said
            write_atomically(self.place.supervisor, json.dumps({"operator": said}) + "\n")


class PodPorts:
    """The pods that declare a port, asked for at most once a second however many pages are asked for."""

    def __init__(self, place: Home) -> None:
        self.place = place
        self.lock = threading.Lock()
        self.asked = float("-inf")
        self.pods: dict[int, list[str]] = {}

    def __call__(self, port: int) -> list[str]:
        with self.lock:
            if time.monotonic() - self.asked > 1.0:
                self.asked = time.monotonic()
                with contextlib.suppress(OSError, MlstackError):
                    self.pods = by_port(Api(self.place.admin_kubeconfig).items("/api/v1/pods"))
            return self.pods.get(port, [])


def by_port(pods: Iterator[dict[str, Any]]) -> dict[int, list[str]]:
    """NAMESPACE/NAME of the pods by the ports that their containers declare."""
    found: dict[int, list[str]] = {}
    for pod in pods:
        name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        for container in pod["spec"]["containers"]:
            for port in container.get("ports") or []:
                found.setdefault(port["containerPort"], []).append(name)
    return found


def supervise(place: Home, record: Record) -> None:
    """Serve pages and keep the operator until told to stop or until the sandbox is gone."""
    stopping = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    processes.end(p for p in processes.owned(place.folder) if p.program == pins.OPERATOR)
    servers = pages.serve(record.name, dict(record.listeners), PodPorts(place))
    keeper = Keeper(place, record)
    while not stopping.wait(INTERVAL_S) and place.state.exists():
        keeper.step()
    keeper.stop()
    for server in servers:
        server.server_close()
    if not place.state.exists():
        # The folder was removed by hand: nobody could find the control plane any more.
        processes.kill(processes.owned(place.folder))


def main(folder: Path) -> int:
    """Run for the sandbox in `folder`."""
    record = load(folder.name)
    if record is None:
        return 1
    supervise(home(folder.name), record)
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
