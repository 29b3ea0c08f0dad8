"""What the scheduler's default rules do not tell, or not from what is read: the answer is "cannot tell" then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import doubt
from mlstack.plan.fit.labels import selects
from mlstack.plan.fit.nodes import Pod
from mlstack.plan.fit.places import places
from mlstack.plan.fit.view import View

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
KINDS = ("podAffinity", "podAntiAffinity")


def unsure(view: View, ask: Ask) -> str:
    """Why it cannot be told where an ask's pods go, in words; "" if it can."""
    pod, needs = ask.pod, ask.needs
    if view.nodes is None:
        return "nodes may not be listed"
    hidden = next((view.hidden[name] for name in needs if name in view.hidden), "")
    return out_of_scope(pod) or hidden or _unread(view, pod) or _kept_off(view, pod) or _device_doubt(view, ask)


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
    if any(_by_labels(term) for kind in KINDS for term in _terms(pod, kind)):
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
    return f"what RuntimeClass {name} adds may not be read" if name and view.runtimes is None else ""


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
        view.known["elsewhere"] = [(pod, term) for pod in pods for term in _terms(pod, KINDS[1]) if _by_labels(term)]
    found: list[tuple[Pod, Mapping[str, Any]]] = view.known["elsewhere"]
    return found


def _by_labels(term: Mapping[str, Any]) -> bool:
    """Namespaces are not read: an empty selector means all of them, any other one depends on their labels."""
    return bool(term.get("namespaceSelector"))


def _terms(pod: Pod, kind: str) -> Iterator[Mapping[str, Any]]:
    affinity = pod["spec"].get("affinity")
    yield from (((affinity.get(kind) or {}).get(REQUIRED) or ()) if affinity else ())
