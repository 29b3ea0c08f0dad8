"""What a random namespace allows: quotas, limit ranges, and claims whose volume is in one zone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mlstack.plan.fit.requests import add, pod_requests
from tests.cluster.fit.clusters import GPU, MODEST, ZONE, Manifest

SCOPES: tuple[Manifest, ...] = (
    {},
    {},
    {},
    {"scopes": ["NotBestEffort"]},
    {"scopes": ["Terminating"]},
    {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": [MODEST]}]}},
)
RANGES: tuple[Manifest, ...] = (
    {"type": "Container", "default": {"memory": "16Gi", "cpu": "4"}, "defaultRequest": {"memory": "1Gi"}},
    {"type": "Container", "default": {"memory": "2Gi"}},
    {"type": "Container", "max": {"cpu": "3"}},
    {"type": "Container", "min": {"cpu": "200m"}},
    {"type": "Pod", "max": {GPU: "2"}},
    {"type": "Pod", "min": {"memory": "300Mi"}},
    {"type": "Container", "default": {"cpu": "4"}, "maxLimitRequestRatio": {"cpu": "8"}},
)


@dataclass(frozen=True)
class Space:
    """A namespace's quotas, limit ranges and claims, each claim with its volume of the same name."""

    quotas: list[Manifest] = field(default_factory=list)
    ranges: list[Manifest] = field(default_factory=list)
    claims: list[Manifest] = field(default_factory=list)
    zone: str = ""


def space(pick: random.Random, pods: Sequence[Manifest]) -> Space:
    """A random namespace that holds `pods` already."""
    return Space(
        [_quota(pick, pods)] if pick.random() < 0.2 else [],
        [_range(pick)] if pick.random() < 0.2 else [],
        [_claim(pick)] if pick.random() < 0.2 else [],
        pick.choice(("a", "b")),
    )


def volume(claim: Manifest, namespace: str, zone: str) -> Manifest:
    """The volume of a claim, which only nodes of one zone reach."""
    name = f"{namespace}-{claim['metadata']['name']}"
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": ZONE, "operator": "In", "values": [zone]}]}]}
    spec = {
        "capacity": {"storage": "1Gi"},
        "accessModes": claim["spec"]["accessModes"],
        "storageClassName": "",
        "claimRef": {"namespace": namespace, "name": claim["metadata"]["name"]},
        "nfs": {"server": "example.com", "path": f"/{name}"},
        "nodeAffinity": {"required": required},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def _quota(pick: random.Random, pods: Sequence[Manifest]) -> Manifest:
    used: dict[str, int] = {}
    for pod in pods:
        add(used, pod_requests(pod))
    more = pick.choice((0, 2, 5, 20))
    hard = pick.choice(
        (
            {"pods": str(len(pods) + more)},
            {"count/pods": str(len(pods) + more)},
            {f"requests.{GPU}": str(used.get(GPU, 0) + more)},
            {"requests.cpu": f"{used.get('cpu', 0) + 1000 * more}m", "pods": "1000"},
            {"memory": str(used.get("memory", 0) + more * 2**30)},
            {"limits.memory": "100Gi"},
        )
    )
    scope = pick.choice(SCOPES)
    if scope.get("scopes") == ["Terminating"] or "pods" not in hard:
        scope = {} if scope.get("scopes") else scope
    return {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "team"},
        "spec": {"hard": hard, **scope},
    }


def _range(pick: random.Random) -> Manifest:
    limits: list[Any] = [pick.choice(RANGES)]
    return {"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "team"}, "spec": {"limits": limits}}


def _claim(pick: random.Random) -> Manifest:
    mode = pick.choice(("ReadWriteMany", "ReadWriteMany", "ReadWriteOncePod"))
    spec = {
        "accessModes": [mode],
        "storageClassName": "",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": spec}
