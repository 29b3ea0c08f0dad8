"""The places that a cluster's nodes have for one kind of pod, worked out once for each kind.

A size is found by trying many: the number of pods changes then, and the places do not.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.attaching import attach_slots
from mlstack.plan.fit.binding import together, volume_slots
from mlstack.plan.fit.domains import Range, placed, usable
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.phrases import CLAIM
from mlstack.plan.fit.slots import ATTACH, SELECTOR, TAINT, VOLUME, Slots, slots
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import alone, reachable

MOUNTS = ("persistentVolumeClaim", "ephemeral")
CONTAINERS = ("containers", "initContainers")
CONTAINER = ("name", "resources", "restartPolicy")  # and its ports of the node


@dataclass(frozen=True)
class Places:
    """`found`: each node's slots with nothing else taken, in the nodes' order; `room`: what they make together.

    `open_` are the slots after the rules across nodes that the pods already there decide.
    """

    found: tuple[Slots, ...]
    open_: tuple[Slots, ...]
    room: Range


def shape(pod: Pod) -> str:
    """What of a pod decides where it may go, as text: equal for pods that the scheduler treats alike."""
    metadata, spec = pod.get("metadata") or {}, dict(pod["spec"])
    for key in CONTAINERS:
        spec[key] = [_container(one) for one in spec.get(key) or ()]
    spec["volumes"] = [one for one in spec.get("volumes") or () if any(key in one for key in MOUNTS)]
    return json.dumps([metadata.get("namespace"), metadata.get("labels"), spec], sort_keys=True, default=str)


def places(view: View, ask: Ask) -> Places:
    """The places for the pods of an ask."""
    key = shape(ask.pod)
    known: Places | None = view.known.get(key)
    if known is None:
        known = view.known[key] = _places(view, ask)
    return known


def left(view: View, asked: Sequence[Ask], resource: str) -> int:
    """What the nodes that take at least one of the asks' pods have free of a resource, all together."""
    shapes = tuple(sorted({shape(ask.pod) for ask in asked}))
    known: int | None = view.known.get((resource, *shapes))
    if known is None:
        rooms = _open_to_any(view, asked, shapes)
        known = view.known[resource, *shapes] = sum(max(0, room.free(resource)) for room in rooms)
    return known


def _open_to_any(view: View, asked: Sequence[Ask], shapes: tuple[str, ...]) -> list[Room]:
    """The nodes that take at least one of the asks' pods."""
    known: list[Room] | None = view.known.get(shapes)
    if known is None:
        columns = zip(*(places(view, ask).found for ask in asked), strict=True)
        known = view.known[shapes] = [column[0].room for column in columns if any(one.count for one in column)]
    return known


def _places(view: View, ask: Ask) -> Places:
    first = places(view.base, ask).found if view.base else ()
    found = (*first, *(_slots(view, room, ask) for room in (view.nodes or ())[len(first) :]))
    open_ = tuple(usable(found, ask.pod))
    room = together(open_, ask.pod, view.storage, placed(open_, ask.pod))
    if alone(ask.pod, view.storage) and room.high > 1:
        room = Range(min(1, room.low), min(1, room.high), CLAIM)
    return Places(found, open_, room)


def _slots(view: View, room: Room, ask: Ask) -> Slots:
    found = slots(room, ask.pod, ask.needs)
    if found.limit in (SELECTOR, TAINT) or not ask.pod["spec"].get("volumes"):
        return found
    if not reachable(ask.pod, view.storage, room.name, room.labels):
        return Slots(room, 0, VOLUME)
    count = volume_slots(ask.pod, view.storage, room, found.count)
    if count < found.count:
        found = Slots(room, count, VOLUME)
    count, driver = attach_slots(ask.pod, view.storage, room, found.count)
    return Slots(room, count, ATTACH, driver) if count < found.count else found


def _container(container: Mapping[str, Any]) -> dict[str, Any]:
    ports = [port for port in container.get("ports") or () if port.get("hostPort")]
    return {key: container[key] for key in CONTAINER if key in container} | {"ports": ports}
