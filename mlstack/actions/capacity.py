"""Reading a cluster's capacity: one LIST each of what decides where pods go, all at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mlstack.actions.connection import Connection
from mlstack.actions.occupied import without_own
from mlstack.actions.queues import see_queues
from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import ForbiddenError, NotFoundError
from mlstack.cluster.kinds import Resource, well_known
from mlstack.cluster.objects import Manifest
from mlstack.compose.render import Target
from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.attaching import limits_of
from mlstack.plan.fit.claimed import hidden, matters, notes
from mlstack.plan.fit.nodes import Pod, rooms
from mlstack.plan.fit.objects import default_class
from mlstack.plan.fit.outlook import Outlook, outlooks
from mlstack.plan.fit.pools import Growth
from mlstack.plan.fit.priorities import Priorities
from mlstack.plan.fit.queues import Queues
from mlstack.plan.fit.slim import slim
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Claims, Storage, by_name, mounts

PAGE = 1000  # pods a request: what is not needed of them is dropped page by page, so that memory stays small
CLAIMING = ("PersistentVolumeClaim", "StatefulSet")
NOT_ENDED = "status.phase!=Succeeded,status.phase!=Failed"
APP, COMPONENT = "app.kubernetes.io/part-of", "app.kubernetes.io/component"
UNCLAIMED = "device classes and resource slices may not be listed: devices that pods claim are not known"
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
    "priorities": _Kind("scheduling.k8s.io/v1", "PriorityClass", True, "priority classes may not be listed"),
}
# What is listed only where a pod that is asked for has such an entry in its spec.
NAMED = {
    "runtimeClassName": _Kind("node.k8s.io/v1", "RuntimeClass", True, "runtime classes may not be listed"),
}
# What is listed only where a pod that is asked for mounts a claim.
MOUNTED = {
    "limits": _Kind("storage.k8s.io/v1", "CSINode", True, "CSI nodes may not be listed: how many volumes they take"),
    "drivers": _Kind("storage.k8s.io/v1", "CSIDriver", True, "CSI drivers may not be listed"),
}
DEVICE_CLASS = Resource("resource.k8s.io", "v1", "DeviceClass", "deviceclasses", False)
SLICE = Resource("resource.k8s.io", "v1", "ResourceSlice", "resourceslices", False)


@dataclass(frozen=True)
class Capacity:
    """A cluster as it is seen, which nodes may still come, and the platform's names of accelerators."""

    view: View
    grows: Growth
    types: Mapping[str, str]

    def outlooks(self, asked: Sequence[Ask]) -> list[Outlook]:
        """What becomes of these pods, all of them together."""
        return outlooks(self.view, asked, grows=self.grows, types=self.types)


def capacity(
    connection: Connection,
    target: Target,
    ignored: Callable[[Pod], bool],
    coming: Claims,
    asked: Sequence[Ask],
) -> Capacity:
    """What an environment's cluster has for what is asked, as `see` sees it."""
    view = see(connection.client, connection.namespace, ignored, coming, asked=asked)
    return Capacity(view, connection.environment.grows(target.platform), model_names(target.platform))


def see(
    client: Client,
    namespace: str,
    ignored: Callable[[Pod], bool],
    coming: Claims | None = None,
    *,
    asked: Sequence[Ask] = (),
) -> View:
    """The cluster for pods of `namespace`, without the pods that are `ignored`; `coming`: claims about to be made.

    `asked`: what is about to be asked of it, which decides what else is read: classes that pods name,
    Kueue's queues, what dynamic resource allocation offers.
    What the user may not list is left out and named in `blind`.
    """
    kinds = {**KINDS, **{key: kind for key, kind in NAMED.items() if any(ask.pod["spec"].get(key) for ask in asked)}}
    kinds |= MOUNTED if any(mounts(ask.pod) for ask in asked) else {}
    answers = client.map(lambda name: _list(client, namespace, name, ignored), ["pods", *kinds])
    pods, partly = _pods(answers[0])
    found = dict(zip(kinds, answers[1:], strict=True))
    blind = [kinds[name].blind for name, answer in found.items() if isinstance(answer, MlstackError)]
    items = {name: _items(answer) for name, answer in found.items()}
    priorities = Priorities(by_name(items["priorities"]), unread=isinstance(found["priorities"], MlstackError))
    there, own = [pod for pod in pods if not ignored(pod)], [pod for pod in pods if ignored(pod)]
    classes = by_name(items["classes"])
    least = min((priorities.of(ask.pod) for ask in asked), default=0)
    view = View(
        nodes=None if isinstance(found["nodes"], MlstackError) else rooms(items["nodes"], there, priority=least),
        quotas=without_own(client, namespace, items["quotas"], own, asked, default_class(classes)),
        ranges=items["ranges"],
        storage=_storage(found, coming or {}),
        queues=see_queues(client, namespace) if any(ask.queue for ask in asked) else Queues(),
        partly=partly,
        blind=(*blind, *([ELSEWHERE] if partly else [])),
        runtimes=by_name(items["runtimeClassName"]) if isinstance(found.get("runtimeClassName"), list) else None,
        priorities=priorities,
    )
    return _with_claimed(client, view) if matters(view.nodes, asked) else view


def rules(client: Client, namespace: str, asked: Sequence[Ask]) -> View:
    """What a namespace allows, without its nodes and pods: for objects that have none.

    Limit ranges and classes are about volume claims only, here.
    """
    claims = any(kind in CLAIMING for ask in asked for _, kind in ask.objects.kinds)
    names = ("quotas", "ranges", "classes") if claims else ("quotas",)
    found = dict(
        zip(names, client.map(lambda name: _list(client, namespace, name, lambda _: False), names), strict=True)
    )
    items = {name: _items(found.get(name, [])) for name in ("quotas", "ranges", "classes")}
    classes = by_name(items["classes"])
    return View(
        nodes=None,
        quotas=without_own(client, namespace, items["quotas"], (), asked, default_class(classes)),
        ranges=items["ranges"],
        storage=_storage(found, {}),
        blind=tuple(KINDS[name].blind for name, answer in found.items() if isinstance(answer, MlstackError)),
    )


def _storage(found: Mapping[str, object], coming: Claims) -> Storage:
    """The claims, volumes and classes that were read, and what limits volumes where that was read too."""
    known = {name: answer if isinstance(answer, list) else None for name, answer in found.items()}
    volumes, classes, limits = (known.get(name) for name in ("volumes", "classes", "limits"))
    return Storage(
        by_name(known.get("claims") or ()),
        None if volumes is None else by_name(volumes),
        None if classes is None else by_name(classes),
        coming,
        None if limits is None else limits_of(limits),
        by_name(known.get("drivers") or ()),
    )


def _with_claimed(client: Client, view: View) -> View:
    """The view with what dynamic resource allocation offers, where the cluster serves that."""
    answers = client.map(lambda kind: objects.list_objects(client, kind).items, [DEVICE_CLASS, SLICE])
    if any(isinstance(answer, ForbiddenError) for answer in answers):
        return replace(view, blind=(*view.blind, UNCLAIMED))
    classes, slices = (_items(answer) if not isinstance(answer, NotFoundError) else [] for answer in answers)
    return replace(view, hidden=hidden(classes, slices), blind=(*view.blind, *notes(slices)))


def model_names(platform: Mapping[str, Any]) -> Mapping[str, str]:
    """The platform's short names of accelerators, with what its nodes' labels say."""
    return (platform.get("gpu") or {}).get("types") or {}


def own_pods(app: str, components: Collection[str]) -> Callable[[Pod], bool]:
    """Whether a pod belongs to one of an app's components: what is about to replace it need not fit beside it."""

    def is_own(pod: Pod) -> bool:
        labels = pod["metadata"].get("labels") or {}
        return labels.get(APP) == app and labels.get(COMPONENT) in components

    return is_own


def _list(
    client: Client, namespace: str, name: str, whole: Callable[[Pod], bool]
) -> list[Manifest] | tuple[list[Manifest], bool]:
    if name == "pods":
        return _list_pods(client, namespace, whole)
    kind = {**KINDS, **NAMED, **MOUNTED}[name]
    place = None if kind.everywhere else namespace
    return objects.list_objects(client, well_known(kind.version, kind.kind), place).items


def _list_pods(client: Client, namespace: str, whole: Callable[[Pod], bool]) -> tuple[list[Manifest], bool]:
    """All pods that have not ended, `whole` ones with all their fields; only the namespace's own, and True, where no
    more is allowed.
    """
    pod = well_known("v1", "Pod")
    try:
        pages = objects.list_pages(client, pod, None, fields=NOT_ENDED, page=PAGE)
        return [item if whole(item) else slim(item) for page in pages for item in page], False
    except ForbiddenError:
        found = objects.list_objects(client, pod, namespace, fields=NOT_ENDED)
        return [item if whole(item) else slim(item) for item in found.items], True


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
