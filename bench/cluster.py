"""The control plane that is measured on: a sandbox of its own, reached directly or through a slow network."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from mlstack import sandbox
from mlstack.errors import MlstackError

from . import proxy
from .measure import Command, output_of
from .requests import Requests, between, counted

CONTEXT = "bench"


@dataclass(frozen=True)
class Cluster:
    """A running control plane: a kubeconfig whose context is `bench`, and the kubectl of its version."""

    kubeconfig: Path
    kubectl: Path

    def ask(self, *words: str) -> str:
        """What kubectl answers, unmeasured."""
        return output_of(Command((str(self.kubectl), *words), {"KUBECONFIG": str(self.kubeconfig)}))

    def make_namespaces(self, names: Sequence[str]) -> None:
        """Create the tools' namespaces, and wait for what the control plane itself puts into them."""
        for name in names:
            self.ask("create", "namespace", name)
            self.ask("wait", "--for=create", "-n", name, "configmap/kube-root-ca.crt", "--timeout=60s")

    def revisions(self, namespace: str) -> Counter[str]:
        """How many objects of the workload a namespace holds, by their revision."""
        text = self.ask("get", "configmaps", "-n", namespace, "-o", "jsonpath={.items[*].data.revision}")
        return Counter(text.split())

    def clear(self, namespace: str) -> None:
        """Remove what a tool left that failed: objects, and Helm's notes of its releases."""
        self.ask("delete", "configmaps", "-n", namespace, "-l", "tier", "--wait=false")
        self.ask("delete", "secrets", "-n", namespace, "-l", "owner=helm", "--wait=false")

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Requests]]:
        """A list that holds, after the block, what the API server was asked in it."""
        before = counted(self.ask("get", "--raw", "/metrics"))
        result: list[Requests] = []
        yield result
        result.append(between(before, counted(self.ask("get", "--raw", "/metrics"))))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A sandbox while the block runs, with all its files below `folder`."""
    file = folder / "kubeconfig"
    name = f"bench-{os.getpid()}"
    try:
        made = sandbox.up(name, like="minikube", context=CONTEXT, kubeconfig_file=str(file))
        cluster = Cluster(file, made.binaries / "kubectl")
        cluster.ask("config", "use-context", CONTEXT)  # for kubectl and helm; a sandbox leaves it alone
        yield cluster
    finally:
        # There is nothing to end where `up` found that it could not begin; that error is the one to show.
        with contextlib.suppress(MlstackError):
            sandbox.down(name)


@contextlib.contextmanager
def distant(cluster: Cluster, rtt_ms: int) -> Iterator[Path]:
    """A kubeconfig that reaches the control plane over that round trip; 0 is the direct way, without a proxy."""
    if not rtt_ms:
        yield cluster.kubeconfig
        return
    server = urlsplit(server_of(cluster.kubeconfig))
    assert server.hostname is not None
    assert server.port is not None
    with tempfile.TemporaryDirectory() as folder, proxy.running(server.hostname, server.port, rtt_ms / 1000) as port:
        file = Path(folder, "kubeconfig")
        file.write_text(redirected(cluster.kubeconfig.read_text(encoding="utf-8"), port), encoding="utf-8")
        yield file


def server_of(kubeconfig: Path) -> str:
    """The address of the one cluster in a kubeconfig."""
    address: str = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))["clusters"][0]["cluster"]["server"]
    return address


def redirected(kubeconfig: str, port: int) -> str:
    """The text of a kubeconfig with its cluster on another port of loopback: its certificate holds for any port."""
    config = yaml.safe_load(kubeconfig)
    for entry in config["clusters"]:
        entry["cluster"]["server"] = f"https://127.0.0.1:{port}"
    text: str = yaml.safe_dump(config, sort_keys=False)
    return text
