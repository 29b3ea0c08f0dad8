"""Reading a cluster's capacity: one LIST each of what decides where pods go, all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.actions.queues import see_queues
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError
from mlstack.cluster.kinds import well_known
from mlstack.cluster.objects import Manifest
from mlstack.errors import MlstackError
from mlstack.plan.fit.nodes import Pod, rooms
from mlstack.plan.fit.queues import Queues
from mlstack.plan.fit.slim import slim
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage, by_name

PAGE = 1000  # pods a request: what is not needed of them is dropped page by page, so that memory stays small
NOT_ENDED = "status.phase!=Succeeded,status.phase!=Failed"
APP, COMPONENT = "app.kubernetes.io/part-of", "app.kubernetes.io/component"
ELSEWHERE = "pods of other namespaces may not be listed, so that free amounts are an upper bound"


@dataclass(frozen=True)
class _Kind:
    """What is listed: a kind, where, and what is not known without it."""

    version: str
    kind: str
    everywhere: bool
    blind: str


KINDS = {
    "nodes": _Kind("v1", "Node", True, "nodes may not be listed"),
    "quotas": _Kind("v1", "ResourceQuota", False, "the namespace's quotas may not be listed"),
    "ranges": _Kind("v1", "LimitRange", False, "the namespace's limit ranges may not be listed"),
    "claims": _Kind("v1", "PersistentVolumeClaim", False, "volume claims may not be listed"),
    "volumes": _Kind("v1", "PersistentVolume", True, "volumes may not be listed: their zones are not known"),
    "classes": _Kind("storage.k8s.io/v1", "StorageClass", True, "storage classes may not be listed"),
}


def see(
    client: Client,
    namespace: str,
    ignored: Callable[[Pod], bool],
    coming: frozenset[str] = frozenset(),
    *,
    queued: bool = False,
) -> View:
    """The cluster for pods of `namespace`, without the pods that are `ignored`; `coming`: claims about to be made.

    `queued`: Kueue's queues are read, too.
    What the user may not list is left out and named in `blind`.
    """
    answers = client.map(lambda name: _list(client, namespace, name), ["pods", *KINDS])
    pods, partly = _pods(answers[0])
    found = dict(zip(KINDS, answers[1:], strict=True))
    blind = [KINDS[name].blind for name, answer in found.items() if isinstance(answer, MlstackError)]
    items = {name: _items(answer) for name, answer in found.items()}
    there = [pod for pod in pods if not ignored(pod)]
    return View(
        nodes=None if isinstance(found["nodes"], MlstackError) else rooms(items["nodes"], there),
        quotas=items["quotas"],
        ranges=items["ranges"],
        storage=Storage(by_name(items["claims"]), by_name(items["volumes"]), by_name(items["classes"]), coming),
        queues=see_queues(client, namespace) if queued else Queues(),
        partly=partly,
        blind=(*blind, *([ELSEWHERE] if partly else [])),
    )


def model_names(platform: Mapping[str, Any]) -> Mapping[str, str]:
    """The platform's short names of accelerators, with what its nodes' labels say."""
    return (platform.get("gpu") or {}).get("types") or {}


def own_pods(app: str, components: Collection[str]) -> Callable[[Pod], bool]:
    """Whether a pod belongs to one of an app's components: what is about to replace it need not fit beside it."""

    def is_own(pod: Pod) -> bool:
        labels = pod["metadata"].get("labels") or {}
        return labels.get(APP) == app and labels.get(COMPONENT) in components

    return is_own


def _list(client: Client, namespace: str, name: str) -> list[Manifest] | tuple[list[Manifest], bool]:
    if name == "pods":
        return _list_pods(client, namespace)
    kind = KINDS[name]
    place = None if kind.everywhere else namespace
    return objects.list_objects(client, well_known(kind.version, kind.kind), place).items


def _list_pods(client: Client, namespace: str) -> tuple[list[Manifest], bool]:
    """All pods that have not ended; only the namespace's own, and True, where no more is allowed."""
    pod = well_known("v1", "Pod")
    try:
        return _paged(client, None), False
    except ForbiddenError:
        found = objects.list_objects(client, pod, namespace, fields=NOT_ENDED)
        return [slim(item) for item in found.items], True


def _paged(client: Client, namespace: str | None) -> list[Manifest]:
    pages = objects.list_pages(client, well_known("v1", "Pod"), namespace, fields=NOT_ENDED, page=PAGE)
    return [slim(item) for page in pages for item in page]


def _pods(answer: object) -> tuple[list[Manifest], bool]:
    if isinstance(answer, ForbiddenError):
        return [], True
    if isinstance(answer, MlstackError):
        raise answer
    assert isinstance(answer, tuple)
    return answer


def _items(answer: object) -> list[Manifest]:
    if isinstance(answer, MlstackError) and not isinstance(answer, ForbiddenError):
        raise answer
    return answer if isinstance(answer, list) else []
