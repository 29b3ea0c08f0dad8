"""Claims that several pods mount, although their volumes can be attached to one node, or to one pod, only.

The scheduler places pods of several nodes all the same, as long as a claim is ReadWriteOnce; the kubelet of the second
node then waits for the volume for ever. Of a ReadWriteOncePod claim the second pod stays pending.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.places import places
from mlstack.plan.fit.terms import namespace_of
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import ONE_POD, claims_of

ONE_NODE = "ReadWriteOnce"


@dataclass(frozen=True)
class Torn:
    """A claim whose pods cannot all have its volume; `pods`: their number, None for notebooks that users start."""

    claim: str
    mode: str
    pods: int | None


def narrow(claim: Mapping[str, Any]) -> str:
    """Return the access mode of a claim for one node, or for one pod; "" where several nodes may have its volume."""
    modes = list((claim.get("spec") or {}).get("accessModes") or ())
    return str(modes[0]) if modes in ([ONE_NODE], [ONE_POD]) else ""


def shared(asked: Sequence[Ask]) -> dict[str, int]:
    """The claims that more than one pod mounts, with the number of their pods."""
    return {name: number for name, number in _users(asked).items() if number > 1}


def torn(view: View, asked: Sequence[Ask], spawned: Collection[str] = ()) -> Iterator[Torn]:
    """Claims for one node whose pods may come to several nodes, and claims for one pod that several mount.

    Pods that are there and stay count, too. `spawned`: claims that every notebook will mount.
    """
    pods = _users(asked)
    for name in dict.fromkeys([*pods, *spawned]):
        mode, users = narrow(view.storage.claim(name) or {}), [ask for ask in asked if name in claims_of(ask.pod)]
        there = _holding(view, name, asked)
        number = pods[name] + sum(there.values())
        if name in spawned:
            if mode and (mode == ONE_POD or len(view.nodes or "..") > 1):
                yield Torn(name, mode, None)
        elif mode and number > 1 and (mode == ONE_POD or len(set(there) | _open(view, users)) > 1):
            yield Torn(name, mode, number)


def _users(asked: Sequence[Ask]) -> Counter[str]:
    pods = Counter[str]()
    for ask in asked:
        pods.update(dict.fromkeys(claims_of(ask.pod), ask.count))
    return pods


def _holding(view: View, claim: str, asked: Sequence[Ask]) -> Counter[str]:
    """The nodes on which pods of the namespace mount a claim, with their numbers."""
    namespaces = {namespace_of(ask.pod) for ask in asked if claim in claims_of(ask.pod)}

    def number(room: Room) -> int:
        holding = (pod for pod in room.pods if "volumes" in pod["spec"] and namespace_of(pod) in namespaces)
        return sum(1 for pod in holding if claim in claims_of(pod))

    return Counter({room.name: count for room in view.nodes or () if (count := number(room))})


def _open(view: View, asked: Sequence[Ask]) -> set[str]:
    """The nodes that take some of the pods."""
    return {one.room.name for ask in asked for one in places(view, ask).open_ if one.count}


def warning(found: Torn) -> tuple[str, str]:
    """Return the problem with such a claim, and the advice."""
    who = "every notebook mounts it" if found.pods is None else f"{found.pods} pods mount it"
    if found.mode == ONE_POD:
        return (
            f"PersistentVolumeClaim/{found.claim} is {ONE_POD} and {who}: only one of them starts.",
            "Use a ReadWriteMany claim, or let one pod mount it.",
        )
    return (
        f"PersistentVolumeClaim/{found.claim} is {ONE_NODE} and {who}: those on another node than the first do not "
        "start.",
        "Use a ReadWriteMany claim, or keep the pods on one node by an affinity rule.",
    )
