"""What the scheduler's default rules do not tell, or not from what is read: the answer is "cannot tell" then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.binding import ZONE
from mlstack.plan.fit.controllers import of_each_pod
from mlstack.plan.fit.devices import doubt
from mlstack.plan.fit.labels import selects
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.places import places
from mlstack.plan.fit.quota import counts_objects, counts_priorities
from mlstack.plan.fit.terms import terms
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import bound, mounted, waits

DIRECT = ("gcePersistentDisk", "awsElasticBlockStore", "azureDisk", "rbd", "iscsi")  # volumes that are no claims
KINDS = ("podAffinity", "podAntiAffinity")


def unsure(view: View, ask: Ask) -> str:
    """Why it cannot be told where an ask's pods go, in words; "" if it can."""
    pod, needs = ask.pod, ask.needs
    if view.nodes is None:
        return "nodes may not be listed"
    hidden = next((view.hidden[name] for name in needs if name in view.hidden), "")
    doubts = (_unread, _volume_doubt, _kept_off)
    found = (doubt(view, pod) for doubt in doubts)
    first = out_of_scope(pod) or ask.vague or hidden or _unknown_parts(view, ask)
    return first or next(filter(None, found), "") or _device_doubt(view, ask)


def out_of_scope(pod: Pod) -> str:
    """Why the scheduler's default rules do not tell where a pod goes; "" if they do."""
    spec = pod["spec"]
    if spec.get("schedulerName", "default-scheduler") != "default-scheduler":
        return f"scheduler {spec['schedulerName']} places it"
    if spec.get("resourceClaims"):
        return "it claims devices by dynamic resource allocation"
    if spec.get("schedulingGates"):
        return "scheduling gates hold it"
    if spec.get("schedulingGroup"):
        return "it is placed together with its group, or not at all"
    if label := of_each_pod(pod):
        return f"its rules go by label {label}, which differs from pod to pod"
    if any(_by_labels(term) for kind in KINDS for term in terms(pod, kind)):
        return "its affinity is to pods of namespaces with some label"
    return ""


def _device_doubt(view: View, ask: Ask) -> str:
    """What is not known of devices on the nodes that would take such pods."""
    if not any("/" in name for name, number in ask.needs.items() if number):
        return ""
    taking = (one.room for one in places(view, ask).found if one.count)
    return next(filter(None, (doubt(room, ask.pod, ask.needs) for room in taking)), "")


def _unread(view: View, pod: Pod) -> str:
    name = pod["spec"].get("runtimeClassName")
    if name and view.runtimes is None:
        return f"what RuntimeClass {name} adds may not be read"
    if view.priorities.unread and not pod["spec"].get("priorityClassName") and counts_priorities(view.quotas):
        return "a quota counts pods by their PriorityClass, and which one pods get that name none may not be read"
    return ""


def _unknown_parts(view: View, ask: Ask) -> str:
    """What quotas and limit ranges may have against what an operator makes, and nobody here knows of."""
    if ask.owner.kind == "TrainJob" and (view.quotas or view.ranges):
        return "quotas and limit ranges look at the containers of its training runtime, too, which are not known here"
    if ask.objects.makers and counts_objects(view.quotas):
        kind = min(ask.objects.makers)
        return f"a quota counts objects, and how many of them the operator of {kind} makes is not known here"
    return ""


def _volume_doubt(view: View, pod: Pod) -> str:
    """What is not known of a pod's volumes."""
    storage, found = view.storage, mounted(pod, view.storage)
    if found and None in (storage.volumes, storage.classes, storage.limits):
        return "volumes, storage classes or CSI nodes may not be listed"
    for one in found:
        driver = storage.class_of(one.claim).get("provisioner", "")
        if not bound(one.claim) and (storage.drivers.get(driver, {}).get("spec") or {}).get("storageCapacity"):
            return f"driver {driver} counts how much storage is left"
        if one.own and not waits(one.claim, storage) and _several_zones(view):
            return f"the volumes of {one.name} are made before it is known where the pods go"
    direct = next((kind for one in pod["spec"].get("volumes") or () for kind in DIRECT if kind in one), "")
    return f"it mounts a disk of its own ({direct}), which may be in use elsewhere" if direct else ""


def _several_zones(view: View) -> bool:
    return len({room.labels.get(ZONE) for room in view.nodes or ()}) > 1


def _kept_off(view: View, pod: Pod) -> str:
    """A pod that may want ours away, where that depends on labels of namespaces."""
    labels = (pod.get("metadata") or {}).get("labels") or {}
    for other, term in _looking_elsewhere(view):
        if selects(term.get("labelSelector"), labels):
            return f"{other['metadata'].get('name', 'a pod')} keeps pods of namespaces with some label away"
    return ""


def _looking_elsewhere(view: View) -> list[tuple[Pod, Mapping[str, Any]]]:
    """The pods that are there which want pods away by labels of namespaces."""
    if "elsewhere" not in view.known:
        pods = (pod for room in view.nodes or () for pod in room.pods)
        view.known["elsewhere"] = [(pod, term) for pod in pods for term in terms(pod, KINDS[1]) if _by_labels(term)]
    found: list[tuple[Pod, Mapping[str, Any]]] = view.known["elsewhere"]
    return found


def _by_labels(term: Mapping[str, Any]) -> bool:
    """Namespaces are not read: an empty selector means all of them, any other one depends on their labels."""
    return bool(term.get("namespaceSelector"))
