"""Devices that nodes do not count themselves: dynamic resource allocation offers them, and the scheduler assigns them.

Source: KEP-4381 (ResourceSlice, DeviceClass) and KEP-5004 (DeviceClass.spec.extendedResourceName).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import unready
from mlstack.plan.fit.nodes import Room
from mlstack.wording import counted

IMPLICIT = "deviceclass.resource.kubernetes.io/"
Manifest = Mapping[str, Any]


def matters(rooms: Sequence[Room] | None, asked: Iterable[Ask]) -> bool:
    """Whether some ask may be about such devices: it claims some, or nodes offer none of what it asks for."""
    for ask in asked:
        if ask.pod["spec"].get("resourceClaims"):
            return True
        for device in (name for name, number in ask.needs.items() if "/" in name and number):
            offered = any(room.allocatable.get(device) for room in rooms or ())
            if not offered or any(unready(room, device) for room in rooms or ()):
                return True
    return False


def hidden(classes: Iterable[Manifest], slices: Sequence[Manifest]) -> dict[str, str]:
    """By resource, why it cannot be told how much of it there is: a DeviceClass stands for it."""
    found = {}
    for one in classes:
        name = one["metadata"]["name"]
        resource = (one.get("spec") or {}).get("extendedResourceName")
        for key in (resource, f"{IMPLICIT}{name}"):
            if key:
                found[key] = f"DeviceClass {name} gives {key} by dynamic resource allocation{_offer(slices)}"
    return found


def notes(slices: Sequence[Manifest]) -> list[str]:
    """What is there beside what is counted, in words: a line for each driver."""
    return [
        f"{words}, by dynamic resource allocation: pods have to claim them, and they are not counted"
        for words in _offers(slices)
    ]


def _offer(slices: Sequence[Manifest]) -> str:
    offers = _offers(slices)
    return f" ({'; '.join(offers)})" if offers else ""


def _offers(slices: Sequence[Manifest]) -> list[str]:
    devices: dict[str, int] = defaultdict(int)
    nodes: dict[str, set[str]] = defaultdict(set)
    for one in slices:
        spec = one["spec"]
        devices[spec["driver"]] += len(spec.get("devices") or ())
        nodes[spec["driver"]].add(spec.get("nodeName") or "")
    return [_words(driver, number, len(nodes[driver])) for driver, number in sorted(devices.items())]


def _words(driver: str, number: int, nodes: int) -> str:
    return f"{driver} offers {counted(number, 'device')} on {counted(nodes, 'node')}"
