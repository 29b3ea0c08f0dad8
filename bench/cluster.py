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
from .mixed import KINDS as MIXED
from .requests import POLICY, AuditLog, Requests
from .workload import OWNER

CONTEXT = "bench"

KINDS = {"configmaps": ("configmaps",), "mixed": MIXED}
"""What kubectl calls the kinds of a set, its custom resources apart."""

CLUSTER_WIDE = ("namespaces", "customresourcedefinitions", "clusterroles", "clusterrolebindings")


@dataclass(frozen=True)
class Cluster:
    """A running control plane: a kubeconfig whose context is `bench`, and the kubectl of its version."""

    kubeconfig: Path
    kubectl: Path
    audit: AuditLog

    def ask(self, *words: str) -> str:
        """What kubectl answers, unmeasured."""
        return output_of(Command((str(self.kubectl), *words), {"KUBECONFIG": str(self.kubeconfig)}))

    def make_namespaces(self, names: Sequence[str]) -> None:
        """Create the tools' namespaces, and wait for what the control plane itself puts into them."""
        for name in names:
            self.ask("create", "namespace", name)
            self.ask("wait", "--for=create", "-n", name, "configmap/kube-root-ca.crt", "--timeout=60s")

    def revisions(self, objects: str, owner: str) -> dict[str, Counter[str]]:
        """How many objects of a tool's set there are that are not on their way out: by kind, and by their revision."""
        kinds = KINDS[objects]
        found = {kind: self._revisions(kind, owner) for kind in kinds}
        if "customresourcedefinitions" in kinds:
            found["custom resources"] = self._revisions(",".join(self._own_kinds(owner)), owner)
        return {kind: counts for kind, counts in found.items() if counts}

    def _revisions(self, kind: str, owner: str) -> Counter[str]:
        if not kind:
            return Counter()
        columns = "R:.metadata.labels.revision,D:.metadata.deletionTimestamp"
        words = ("get", kind, "-A", "-l", f"{OWNER}={owner}", "--no-headers", "-o", f"custom-columns={columns}")
        rows = [line.split() for line in self.ask(*words).splitlines()]
        return Counter(row[0] for row in rows if row[1:] == ["<none>"])

    def _own_kinds(self, owner: str) -> list[str]:
        names = "customresourcedefinitions", "-l", f"{OWNER}={owner}", "-o", "name"
        return [name.partition("/")[2] for name in self.ask("get", *names).split()]

    def clear(self, objects: str, owner: str) -> None:
        """Remove what a tool left: objects, and the notes of helm and kapp in its namespace.

        Waits until it is gone: what goes on in the background would weigh on whoever is measured next.
        """
        space = ("-n", f"bench-{owner}")
        for kind in KINDS[objects]:
            if kind in CLUSTER_WIDE:  # what lives in namespaces goes with them
                self.ask("delete", kind, "-l", f"{OWNER}={owner}")
        self.ask("delete", "configmaps", *space, "-l", f"{OWNER}={owner}", "--wait=false")
        self.ask("delete", "secrets", *space, "-l", "owner=helm")
        for note in ("kapp.k14s.io/is-app", "kapp.k14s.io/is-app-change"):
            self.ask("delete", "configmaps", *space, "-l", note, "--wait=false")

    @contextlib.contextmanager
    def counting(self) -> Iterator[list[Requests]]:
        """A list that holds, after the block, what the API server was asked in it by others than its own programs."""
        begin = self.audit.mark()
        result: list[Requests] = []
        yield result
        end = self.audit.mark()
        self.ask("get", "--raw", "/version")  # once this is answered, all before it is in the log
        result.append(self.audit.between(begin, end))


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Cluster]:
    """A sandbox while the block runs, with all its files below `folder`."""
    file = folder / "kubeconfig"
    name = f"bench-{os.getpid()}"
    policy = folder / "audit.yaml"
    policy.write_text(POLICY, encoding="utf-8")
    os.environ["KWOK_KUBE_AUDIT_POLICY"] = str(policy)  # kwokctl hands it on to the API server
    try:
        made = sandbox.up(name, like="minikube", context=CONTEXT, kubeconfig_file=str(file))
        cluster = Cluster(file, made.binaries / "kubectl", AuditLog(made.admin_kubeconfig.parent / "logs"))
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
