"""Which training operator a cluster asks for, read from the Deployment that was applied; and how ours is run for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEPLOYMENTS = "/apis/apps/v1/deployments"
JOBS = "/apis/kubeflow.org/v1"
SCHEMES = {
    "tfjob": "tfjobs",
    "pytorchjob": "pytorchjobs",
    "mpijob": "mpijobs",
    "xgboostjob": "xgboostjobs",
    "paddlejob": "paddlejobs",
    "jaxjob": "jaxjobs",
}
"""What --enable-scheme takes (in any case), and the resource that it needs; upstream's default is all of them."""


@dataclass(frozen=True)
class Wanted:
    """An operator that a Deployment asks for: two are equal if nothing would change by a restart."""

    deployment: str
    namespace: str
    args: tuple[str, ...]
    env: Mapping[str, str]
    account: str
    ready: bool = field(compare=False)

    @property
    def resources(self) -> set[str]:
        """The resources of kubeflow.org that it can't start without. An unknown scheme is left for it to refuse."""
        given = list(_enabled(self.args))
        return {SCHEMES[name] for name in given if name in SCHEMES} if given else set(SCHEMES.values())


def _enabled(args: Iterable[str]) -> Iterator[str]:
    words = iter(args)
    for word in words:
        flag, _, value = word.lstrip("-").partition("=")
        if flag == "enable-scheme":
            yield (value or next(words, "")).lower()


def wanted(deployments: Iterable[Mapping[str, Any]]) -> Wanted | None:
    """The operator asked for: by the first Deployment, by namespace and name, of an image called training-operator
    that is neither being deleted nor scaled to nothing."""
    ordered = sorted(deployments, key=lambda d: (d["metadata"]["namespace"], d["metadata"]["name"]))
    found = (_asked(deployment) for deployment in ordered if _meant_to_run(deployment))
    return next((operator for operator in found if operator is not None), None)


def _meant_to_run(deployment: Mapping[str, Any]) -> bool:
    return not deployment["metadata"].get("deletionTimestamp") and deployment["spec"].get("replicas", 1) > 0


def _asked(deployment: Mapping[str, Any]) -> Wanted | None:
    metadata, pod = deployment["metadata"], deployment["spec"]["template"]["spec"]
    container = next((c for c in pod["containers"] if image_name(c.get("image", "")) == "training-operator"), None)
    if container is None:
        return None
    env = dict(_environment(container, metadata["namespace"]))
    return Wanted(
        deployment=f"{metadata['namespace']}/{metadata['name']}",
        namespace=metadata["namespace"],
        args=tuple(_expanded(arg, env) for arg in _arguments(container)),
        env=env,
        account=pod.get("serviceAccountName") or "default",
        ready=(deployment.get("status") or {}).get("readyReplicas", 0) > 0,
    )


def image_name(image: str) -> str:
    """The last part of an image's repository, without tag and digest."""
    return image.partition("@")[0].rpartition("/")[2].partition(":")[0]


def _arguments(container: Mapping[str, Any]) -> list[str]:
    """The program's arguments: what follows the program in `command`, then `args`."""
    return [str(word) for word in [*(container.get("command") or [])[1:], *(container.get("args") or [])]]


def _environment(container: Mapping[str, Any], namespace: str) -> Iterator[tuple[str, str]]:
    for entry in container.get("env") or []:
        source = (entry.get("valueFrom") or {}).get("fieldRef", {}).get("fieldPath")
        if source == "metadata.namespace":
            yield entry["name"], namespace
        elif "value" in entry:
            yield entry["name"], str(entry["value"])


def _expanded(text: str, env: Mapping[str, str]) -> str:
    for name, value in env.items():
        text = text.replace(f"$({name})", value)
    return text


def command(binary: Path, operator: Wanted, folder: Path, webhook_port: int) -> list[str]:
    """Our operator's command line: the Deployment's arguments, then what keeps it on loopback (the last flag wins)."""
    return [
        str(binary),
        *operator.args,
        "--metrics-bind-address=0",
        "--health-probe-bind-address=0",
        "--webhook-address=127.0.0.1",
        f"--webhook-server-port={webhook_port}",
        f"--webhook-cert-dir={folder / 'certificate'}",
        f"--kubeconfig={folder / 'kubeconfig.json'}",
    ]


def kubeconfig(server: str, authority: Path, token: str, namespace: str) -> dict[str, Any]:
    """A kubeconfig with the operator's own ServiceAccount: what its Role lacks, it can't do here either."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "operator",
        "clusters": [{"name": "operator", "cluster": {"server": server, "certificate-authority": str(authority)}}],
        "users": [{"name": "operator", "user": {"token": token}}],
        "contexts": [
            {"name": "operator", "context": {"cluster": "operator", "user": "operator", "namespace": namespace}}
        ],
    }
