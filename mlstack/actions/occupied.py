"""Quotas without what is about to be replaced: an app's own pods and objects make room for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError, NotFoundError
from mlstack.cluster.kinds import Resource
from mlstack.cluster.objects import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.objects import Objects, counted, plural_of, usage_of
from mlstack.plan.fit.quota import freed, is_object_count
from mlstack.plan.fit.requests import Amounts, add

Kind = tuple[str, str]  # apiVersion and kind


def without_own(
    client: Client, namespace: str, quotas: Sequence[Manifest], pods: Iterable[Pod], asked: Sequence[Ask], default: str
) -> list[Manifest]:
    """The quotas with what `pods` and the asks' own objects take of them given back. Raises what reading raises.

    Objects are listed only where a quota counts their kind. `default`: the StorageClass of claims that name none.
    """
    own = [pod for pod in pods if (pod["metadata"].get("namespace") or namespace) == namespace]
    if not quotas:
        return []
    taken = _taken(client, namespace, _counted_kinds(quotas, asked), [ask.objects for ask in asked], default)
    return [dict(freed(quota, own, taken)) for quota in quotas] if own or taken else list(quotas)


def _counted_kinds(quotas: Sequence[Manifest], asked: Sequence[Ask]) -> list[Kind]:
    """The kinds of what is asked for that some quota counts."""
    entries = {
        name for quota in quotas for name in (quota.get("spec") or {}).get("hard") or {} if is_object_count(name)
    }
    kinds = {kind for ask in asked for kind in ask.objects.kinds if _entries(kind) & entries}
    if any("persistentvolumeclaims" in name or "storage" in name for name in entries):
        kinds |= {kind for ask in asked for kind in ask.objects.kinds if kind[1] == "PersistentVolumeClaim"}
    return sorted(kinds)


def _entries(kind: Kind) -> set[str]:
    more = {"services.nodeports", "services.loadbalancers"} if kind == ("v1", "Service") else set[str]()
    return {*counted(*kind), *more}


def _taken(client: Client, namespace: str, kinds: Sequence[Kind], own: Sequence[Objects], default: str) -> Amounts:
    answers = client.map(lambda kind: objects.list_objects(client, _resource(kind), namespace).items, kinds)
    total: Amounts = {}
    for kind, answer in zip(kinds, answers, strict=True):
        if isinstance(answer, ForbiddenError | NotFoundError):
            continue  # the figures stay as the quota has them
        if isinstance(answer, MlstackError):
            raise answer
        for item in answer:
            live = {**item, "apiVersion": kind[0], "kind": kind[1]}
            if any(one.has(live) for one in own):
                add(total, usage_of(live, default))
    return total


def _resource(kind: Kind) -> Resource:
    group, _, version = kind[0].rpartition("/")
    return Resource(group, version, kind[1], plural_of(kind[1]), True)
