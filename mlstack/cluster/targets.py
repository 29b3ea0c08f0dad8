"""What a forward leads to: from the words a person types to a pod that runs and one of its ports."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import Resource, well_known
from mlstack.cluster.objects import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.readiness import State, readiness
from mlstack.plan.reasons import pod_reason

INSTANCE = "app.kubernetes.io/instance"
_POD = well_known("v1", "Pod")
_SERVICE = well_known("v1", "Service")
_KINDS: Mapping[str, Resource | None] = {
    "pod": _POD,
    "service": _SERVICE,
    "statefulset": well_known("apps/v1", "StatefulSet"),
    "deployment": well_known("apps/v1", "Deployment"),
    "replicaset": well_known("apps/v1", "ReplicaSet"),
    "daemonset": well_known("apps/v1", "DaemonSet"),
    "job": well_known("batch/v1", "Job"),
    "component": None,
}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?")  # what an object may be called
_SHORT = {
    "po": "pod",
    "svc": "service",
    "sts": "statefulset",
    "deploy": "deployment",
    "rs": "replicaset",
    "ds": "daemonset",
}
# In this order a bare name is looked for; a component's pods come before a workload of the same name.
_GUESSES = ("pod", "service", "component", "statefulset", "deployment")


class NoTargetError(MlstackError):
    """There is nothing to forward to."""


class NotYetError(NoTargetError):
    """What is to be forwarded to is there, but none of its pods runs (yet)."""


@dataclass(frozen=True)
class PortPair:
    """A local port (0: any free one) and the remote one: a number or a name."""

    local: int
    remote: int | str


@dataclass(frozen=True)
class Endpoint:
    """One port of one pod."""

    namespace: str
    pod: str
    port: int
    uid: str = ""
    ready: bool = field(default=True, compare=False)

    def at(self, port: int) -> Endpoint:
        """Another port of the same pod."""
        return replace(self, port=port)

    def __str__(self) -> str:
        return f"{self.pod}:{self.port}"


@dataclass(frozen=True)
class Target:
    """Something with pods: `kind` is a key of kubectl's words (pod, service, …), "component", or "" for any."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.name}" if self.kind else self.name


def parse_target(text: str) -> Target:
    """ "svc/NAME", "deployment/NAME", "component/NAME" and so on, or a bare name."""
    word, slash, name = text.partition("/")
    kind = word.lower()
    kind = _SHORT.get(kind, kind if kind in _KINDS else kind.removesuffix("s"))
    kind, name = (kind, name) if slash else ("", text)
    if (slash and kind not in _KINDS) or not _NAME.fullmatch(name):
        raise MlstackError(f"{text!r} cannot be forwarded to.", f"Use NAME or KIND/NAME with {', '.join(_KINDS)}.")
    return Target(kind, name)


def parse_ports(text: str) -> PortPair:
    """ "8100:8000", "8000" (the same on both sides), ":8000" (any free local port); the remote one may be a name."""
    local, colon, remote = text.rpartition(":")
    number = _number(remote)
    far: int | str = remote if number is None else number
    near = _number(local) if local else 0 if colon or isinstance(far, str) else far
    if near is None or not remote or near > 65535 or number == 0 or (number or 1) > 65535:
        raise MlstackError(f"{text!r} is no pair of ports.", "Write LOCAL:REMOTE, as in 8100:8000, or one number.")
    return PortPair(near, far)


def declared_ports(client: Client, namespace: str, target: Target) -> list[PortPair]:
    """A pair for each port that the target declares: a Service's ports, else those of its pod's containers.

    The local port is the same, or 8000 more where it would need special rights (80 becomes 8080).
    """
    service = objects.find(client, _SERVICE, namespace, target.name) if target.kind in ("service", "") else None
    if service:
        numbers = [int(item["port"]) for item in service["spec"].get("ports") or []]
    else:
        behind = _behind(client, namespace, target, 1)
        numbers = [int(item["containerPort"]) for item in _ports(_chosen(behind))]
    if not numbers:
        raise MlstackError(f"{target} declares no ports.", "Say which one, as in 8100:8000.")
    return [PortPair(number if number >= 1024 else 8000 + number, number) for number in numbers]


def resolve(client: Client, namespace: str, target: Target, remote: int | str) -> Endpoint:
    """The pod and port that the target means now: the first ready pod by name, else the first that runs.

    Raises NoTargetError: no such thing, no port of that name; NotYetError: no pod, none that runs (with the reason).
    """
    return _endpoint(_behind(client, namespace, target, remote))


@dataclass(frozen=True)
class _Behind:
    """The pods behind a target, their port (a Service's is another one), and what to call the target."""

    pods: list[Manifest]
    port: int | str
    what: str


def _behind(client: Client, namespace: str, target: Target, remote: int | str) -> _Behind:
    for kind in (target.kind,) if target.kind else _GUESSES:
        found = _of_kind(client, namespace, kind, target.name, remote)
        if found:
            return found
    words = target.kind or "pod, service, component or workload"
    problem = f"There is no {words} {target.name!r} in namespace {namespace} (context {client.context})."
    raise NoTargetError(problem, "`mlstack status` lists what there is.")


def _of_kind(client: Client, namespace: str, kind: str, name: str, remote: int | str) -> _Behind | None:
    """What is behind the thing of this kind and name, if there is one."""
    resource = _KINDS[kind]
    owner = None if resource is None else objects.find(client, resource, namespace, name)
    if kind == "component":
        pods = _pods(client, namespace, f"{INSTANCE}={name}")
        pods = [pod for pod in pods if pod_port(pod, remote, declared=True)] or pods
        return _Behind(pods, remote, f"component {name}") if pods else None
    if owner is None:
        return None
    if kind == "pod":
        return _Behind([owner], remote, f"pod {name}")
    chosen = selector(owner)
    if not chosen:
        raise NoTargetError(f"The {kind} {name} selects no pods.", "Forward to one of its pods by name.")
    if kind == "service":
        remote = target_port(owner, remote)
    return _Behind(_pods(client, namespace, chosen), remote, f"{kind} {name}")


def _pods(client: Client, namespace: str, labels: str) -> list[Manifest]:
    return objects.list_objects(client, _POD, namespace, labels=labels).items


def _chosen(behind: _Behind) -> Manifest:
    pod = best(behind.pods)
    if pod is None:
        raise NotYetError(f"There is no pod behind {behind.what} yet.", "Is it applied, and does it have replicas?")
    return pod


def _endpoint(behind: _Behind) -> Endpoint:
    pod = _chosen(behind)
    metadata = pod["metadata"]
    if metadata.get("deletionTimestamp"):
        raise NotYetError(not_running(pod), "The next one is forwarded to as soon as it runs.")
    if (pod.get("status") or {}).get("phase") != "Running":
        raise NotYetError(not_running(pod), "It is forwarded to as soon as it runs.")
    port = pod_port(pod, behind.port)
    if port is None:
        names = ", ".join(sorted(item["name"] for item in _ports(pod) if item.get("name"))) or "none"
        raise NoTargetError(f"Pod {metadata['name']} has no port named {behind.port!r}.", f"Its named ports: {names}.")
    ready = readiness(pod).state is State.READY
    return Endpoint(metadata["namespace"], metadata["name"], port, metadata.get("uid", ""), ready)


def best(pods: Iterable[Manifest]) -> Manifest | None:
    """The pod to forward to: ready before running before others, by name among equals; none if there are none."""
    return min(pods, key=_rank, default=None)


def not_running(pod: Manifest) -> str:
    """A sentence on why nothing can be forwarded to this pod."""
    metadata, status = pod["metadata"], pod.get("status") or {}
    phase = "being deleted" if metadata.get("deletionTimestamp") else str(status.get("phase") or "Pending")
    reason = pod_reason(pod).text or readiness(pod).reason
    return f"Pod {metadata['name']} is {phase}{', not Running' if phase == 'Pending' else ''}" + (
        f": {reason.rstrip('.')}." if reason else "."
    )


def selector(owner: Manifest) -> str:
    """The label selector of a Service or a workload, as a LIST takes it; "" if it has none."""
    chosen = (owner.get("spec") or {}).get("selector") or {}
    if owner.get("kind") == "Service":
        chosen = {"matchLabels": chosen}
    parts = [f"{key}={value}" for key, value in (chosen.get("matchLabels") or {}).items()]
    return ",".join([*parts, *(_expression(item) for item in chosen.get("matchExpressions") or [])])


def target_port(service: Manifest, remote: int | str) -> int | str:
    """The pods' port (number or name) behind a Service's port, given by its number or name."""
    ports = (service.get("spec") or {}).get("ports") or []
    for item in ports:
        if remote in (item.get("port"), item.get("name")):
            target: int | str = item.get("targetPort") or item["port"]
            return target
    listed = ", ".join(f"{item['port']}{' (' + item['name'] + ')' if item.get('name') else ''}" for item in ports)
    raise NoTargetError(f"Service {service['metadata']['name']} has no port {remote}.", f"It has: {listed}.")


def pod_port(pod: Manifest, port: int | str, *, declared: bool = False) -> int | None:
    """The number of a pod's port: itself, or by name. None if it is not there (`declared`: a number must be, too)."""
    known = {item.get("name"): item["containerPort"] for item in _ports(pod)}
    if isinstance(port, int):
        return port if not declared or port in known.values() else None
    return known.get(port)


def _ports(pod: Manifest) -> list[dict[str, Any]]:
    containers = (pod.get("spec") or {}).get("containers") or []
    return [port for container in containers for port in container.get("ports") or []]


def _rank(pod: Manifest) -> tuple[bool, bool, str]:
    running = (pod.get("status") or {}).get("phase") == "Running" and not pod["metadata"].get("deletionTimestamp")
    return not running, readiness(pod).state is not State.READY, pod["metadata"]["name"]


def _expression(item: Mapping[str, Any]) -> str:
    key: str = item["key"]
    values = f"({','.join(item.get('values') or [])})"
    words = {"In": f"{key} in {values}", "NotIn": f"{key} notin {values}", "Exists": key, "DoesNotExist": f"!{key}"}
    return words[item["operator"]]


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None
