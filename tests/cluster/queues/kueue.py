"""Kueue's real controller beside a sandbox, as a process: its definitions, webhooks and certificate, then itself.

The API server reaches its webhooks on loopback, with a certificate of ours. The controller would make one for its
Service; it keeps one that is there, covers the Service's name, and has a CA called kueue-ca with a PKCS1 key.
"""

from __future__ import annotations

import base64
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.queues.binaries import KUEUE, built
from tests.cluster.shell import wait_established
from tests.upstream.crds import KUEUE as MODULE
from tests.upstream.crds import crd, folder

Kubectl = Callable[..., str]
VERSION = "0.19.2"
NAMESPACE = "kueue-system"
SERVICE, SECRET = "kueue-webhook-service", "kueue-webhook-server-cert"
FRAMEWORKS = {
    "batch/job": "jobs",
    "kubeflow.org/tfjob": "tfjobs",
    "kubeflow.org/pytorchjob": "pytorchjobs",
    "kubeflow.org/paddlejob": "paddlejobs",
    "trainer.kubeflow.org/trainjob": "trainjobs",
}
OWN = {"clusterqueues", "cohorts", "localqueues", "resourceflavors", "workloads"}
CONVERTED = {"clusterqueues", "cohorts", "localqueues", "multikueueclusters", "workloads"}
TRAINER = ("TrainJob", "TrainingRuntime", "ClusterTrainingRuntime", "JobSet")


@contextmanager
def running(place: Path, context: str, kubectl: Kubectl) -> Iterator[None]:
    """Kueue on the cluster of a context, ready when the block starts, gone when it ends. `place` is an empty folder."""
    assert folder(MODULE).name.endswith(f"@v{VERSION}"), "its definitions are of the version that is built"
    program = built(KUEUE, VERSION)
    ports = [_free_port(), _free_port()]
    authority = certificate(place)
    install(place, context, kubectl, ports[0], authority)
    (place / "config.yaml").write_text(yaml.safe_dump(_settings(place, *ports)), "utf-8")
    config = kubectl("config", "view", "--minify", "--flatten", "--raw", context=context)
    (place / "kubeconfig").write_text(config, "utf-8")
    words = [str(program), f"--config={place / 'config.yaml'}"]
    env = {**os.environ, "KUBECONFIG": str(place / "kubeconfig")}
    with (place / "kueue.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log, env=env)
    try:
        _wait_until_ready(process, ports[1], place)
        yield
    finally:
        process.terminate()
        process.wait(30)


def certificate(place: Path) -> str:
    """Makes ca.crt, ca.key, tls.crt and tls.key in a folder; the CA for a caBundle."""
    names = f"subjectAltName=DNS:{SERVICE}.{NAMESPACE}.svc,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n"
    (place / "names").write_text(names, "utf-8")
    rsa = ["-newkey", "rsa:2048", "-nodes"]
    ca = ["-x509", "-days", "3650", "-subj", "/O=kueue/CN=kueue-ca", "-addext", "subjectAltName=DNS:kueue-ca"]
    signed = ["-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650", "-extfile", "names"]
    for words in (
        ["req", *rsa, *ca, "-keyout", "ca.pem", "-out", "ca.crt"],
        ["rsa", "-in", "ca.pem", "-traditional", "-out", "ca.key"],
        ["req", *rsa, "-subj", f"/CN={SERVICE}", "-keyout", "tls.key", "-out", "tls.csr"],
        ["x509", "-req", "-in", "tls.csr", *signed, "-out", "tls.crt"],
    ):
        done = subprocess.run(["openssl", *words], cwd=place, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"openssl {' '.join(words)}: {done.stderr}"
    return _encoded(place / "ca.crt")


def install(place: Path, context: str, kubectl: Kubectl, port: int, authority: str) -> None:
    """Kueue's definitions and webhooks, those of the Trainer that it asks for, and its certificate."""
    source = folder(MODULE) / "config/components"
    known = {"url": f"https://127.0.0.1:{port}", "caBundle": authority}
    made = [yaml.safe_load(file.read_text("utf-8")) for file in sorted((source / "crd/bases").glob("*.yaml"))]
    for definition in made:
        if definition["spec"]["names"]["plural"] in CONVERTED:
            definition["spec"]["conversion"] = _converted(known)
    hooks = yaml.safe_load_all((source / "webhook/manifests.yaml").read_text("utf-8"))
    made += [crd(kind) for kind in TRAINER]
    names = [definition["metadata"]["name"] for definition in made]
    _apply(kubectl, context, [*made, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}])
    wait_established(kubectl, context, *names)
    _apply(kubectl, context, [_secret(place), *(_hooks(one, known) for one in hooks)])


def _converted(known: Mapping[str, str]) -> dict[str, Any]:
    client = {**known, "url": f"{known['url']}/convert"}
    return {"strategy": "Webhook", "webhook": {"clientConfig": client, "conversionReviewVersions": ["v1"]}}


def _hooks(configuration: dict[str, Any], known: Mapping[str, str]) -> dict[str, Any]:
    """The webhooks of the kinds that are served here, with an address on loopback."""
    served = OWN | {*FRAMEWORKS.values(), "jobsets"}
    kept = [one for one in configuration["webhooks"] if set(one["rules"][0]["resources"]) & served]
    for one in kept:
        one["clientConfig"] = {**known, "url": known["url"] + one["clientConfig"]["service"]["path"]}
    return {**configuration, "metadata": {"name": f"kueue-{configuration['metadata']['name']}"}, "webhooks": kept}


def _secret(place: Path) -> dict[str, Any]:
    data = {name: _encoded(place / name) for name in ("ca.crt", "ca.key", "tls.crt", "tls.key")}
    metadata = {"name": SECRET, "namespace": NAMESPACE}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def _settings(place: Path, port: int, probes: int) -> dict[str, Any]:
    return {
        "apiVersion": "config.kueue.x-k8s.io/v1beta2",
        "kind": "Configuration",
        "namespace": NAMESPACE,
        "health": {"healthProbeBindAddress": f"127.0.0.1:{probes}"},
        "metrics": {"bindAddress": "0"},
        "webhook": {"host": "127.0.0.1", "port": port, "certDir": str(place)},
        "leaderElection": {"leaderElect": False},
        "internalCertManagement": {"enable": True, "webhookServiceName": SERVICE, "webhookSecretName": SECRET},
        "clientConnection": {"qps": 300, "burst": 500},
        "integrations": {"frameworks": [*FRAMEWORKS, "jobset.x-k8s.io/jobset"]},
        "featureGates": {"VisibilityOnDemand": False},
    }


def _apply(kubectl: Kubectl, context: str, manifests: list[Any]) -> None:
    kubectl("apply", "--server-side", "-f", "-", context=context, stdin=yaml.safe_dump_all(manifests))


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, place: Path) -> None:
    """Until its probe says so; AssertionError with the end of its log if it ends, or takes minutes."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5).close()
            return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise AssertionError("Kueue is not ready: " + (place / "kueue.log").read_text("utf-8")[-3000:])


def _encoded(file: Path) -> str:
    return base64.b64encode(file.read_bytes()).decode()


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
