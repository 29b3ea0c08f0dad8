"""A simulated pod with a process behind its ports: one of this machine, through kwok's port-forward."""

from __future__ import annotations

import contextlib
import hashlib
import socketserver
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from websockets.sync.server import ServerConnection, serve

from mlstack import sandbox
from mlstack.sandbox import config

from .measure import Command, output_of

NAME = "web-0"
TCP, WEBSOCKET, CLOSED = 9000, 9001, 9002
_BLOCK = hashlib.shake_256(b"block").digest(1 << 20)
_MANIFEST = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: {NAME}, namespace: default}}
spec: {{containers: [{{name: c, image: x, ports: [{{containerPort: {TCP}}}, {{containerPort: {WEBSOCKET}}}]}}]}}
"""


def blocks(count: int) -> Iterator[bytes]:
    """So many bytes that repeat themselves at no power of two that a buffer may have."""
    while count:
        yield _BLOCK[: min(count, len(_BLOCK))]
        count -= min(count, len(_BLOCK))


def digest(count: int) -> str:
    """The hash of so many of them."""
    seen = hashlib.sha256()
    for block in blocks(count):
        seen.update(block)
    return seen.hexdigest()


class Answer(socketserver.StreamRequestHandler):
    """`down N` is answered with N bytes, `up N` by the hash of the N bytes that follow, anything else by hello."""

    def handle(self) -> None:
        """One connection, one order."""
        words = self.rfile.readline().split() or [b""]
        with contextlib.suppress(ConnectionError):
            if words[0] == b"down":
                for block in blocks(int(words[1])):
                    self.connection.sendall(block)
            elif words[0] == b"up":
                self.connection.sendall(self._taken(int(words[1])).encode())
            else:
                self.connection.sendall(b"hello")

    def _taken(self, left: int) -> str:
        seen = hashlib.sha256()
        while left and (part := self.rfile.read1(min(left, 1 << 20))):
            seen.update(part)
            left -= len(part)
        return seen.hexdigest()


class Process(socketserver.ThreadingTCPServer):
    """What listens behind the pod's TCP port."""

    daemon_threads = True
    request_queue_size = 512


def _echo(connection: ServerConnection) -> None:
    for message in connection:
        connection.send(message)


@contextlib.contextmanager
def processes() -> Iterator[dict[int, int]]:
    """They run: the pod's ports, and where they lead on this machine."""
    with contextlib.ExitStack() as stack:
        tcp = stack.enter_context(Process(("127.0.0.1", 0), Answer))
        echo = stack.enter_context(serve(_echo, "127.0.0.1", 0, ping_interval=None, max_size=None, compression=None))
        for server in (tcp, echo):
            threading.Thread(target=server.serve_forever, daemon=True).start()
            stack.callback(server.shutdown)
        yield {TCP: tcp.server_address[1], WEBSOCKET: echo.socket.getsockname()[1], CLOSED: 1}


@contextlib.contextmanager
def leading(targets: Mapping[int, int]) -> Iterator[None]:
    """In sandboxes that are made meanwhile, these ports of the pod lead to ports of this machine."""
    usual = config.documents

    def documents(ports: dict[str, int], listeners: dict[int, int], log: Path) -> Iterator[dict[str, Any]]:
        yield from usual(ports, listeners, log)
        forwards = [
            {"ports": [port], "target": {"address": "127.0.0.1", "port": local}} for port, local in targets.items()
        ]
        head = {"apiVersion": "kwok.x-k8s.io/v1alpha1", "kind": "PortForward"}
        yield {**head, "metadata": {"name": NAME, "namespace": "default"}, "spec": {"forwards": forwards}}

    config.documents = documents
    try:
        yield
    finally:
        config.documents = usual


@contextlib.contextmanager
def cluster(name: str, context: str, folder: Path) -> Iterator[sandbox.Sandbox]:
    """A sandbox in which the pod runs."""
    with processes() as ports, leading(ports):
        try:
            made = sandbox.up(name, like="minikube", context=context)
            file = folder / "pod.yaml"
            file.write_text(_MANIFEST)
            kubectl = (str(made.binaries / "kubectl"), "--context", context)
            output_of(Command((*kubectl, "wait", "--for=create", "serviceaccount/default", "--timeout=60s")))
            output_of(Command((*kubectl, "apply", "-f", str(file))))
            output_of(Command((*kubectl, "wait", "--for=condition=Ready", f"pod/{NAME}", "--timeout=60s")))
            yield made
        finally:
            sandbox.down(name)
