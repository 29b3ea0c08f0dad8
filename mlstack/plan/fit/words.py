"""Why pods do not find a place, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.blocked import blocked, held_by, offer, only_small
from mlstack.plan.fit.devices import holders, model_of, offered, unready, vendor
from mlstack.plan.fit.domains import as_strict
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.phrases import (
    CORDONED,
    UNREADY,
    amount_of,
    devices,
    have_all,
    meant,
    rule_allows,
    some_fit,
)
from mlstack.plan.fit.requests import told
from mlstack.plan.fit.slots import ATTACH, PORT, RESOURCE, SELECTOR, TAINT, VOLUME, Slots
from mlstack.plan.fit.view import View

NAMED = 3  # holders that are named; the rest are counted
# A node that takes none, in a table.
NODE_CLOSED = {
    SELECTOR: "not of the kind asked for (node selector)",
    PORT: "port taken",
    VOLUME: "out of its volume's reach",
    ATTACH: "no room for another volume",
}

# Why a node takes no more than it does, where it is not a resource.
ONE_MORE = {
    PORT: "its host port allows one on each node",
    VOLUME: "no more volumes are there for its claims",
    ATTACH: "the nodes take no more volumes of driver {what}",
}

Types = Mapping[str, str]


def device_of(ask: Ask) -> str:
    """The accelerator that an ask's pods request; "" if none."""
    return next((name for name, number in ask.needs.items() if "/" in name and number), "")


def reach(found: Fit) -> list[Room]:
    """The nodes of the kind asked for; all of them where none is."""
    return [one.room for one in found.found if one.limit != SELECTOR] or [one.room for one in found.found]


def too_large(ask: Ask, rooms: Sequence[Room], types: Types, kind: str = "") -> str:
    """What one pod asks more of than any of the nodes (of a `kind`) has; "" if some node is large enough."""
    resource = beyond_all(ask, rooms)
    if not resource:
        return ""
    asks = f"each {ask.role or 'pod'} asks {told(resource, ask.needs[resource])} {resource}"
    largest = _largest(rooms, resource)
    has = largest.allocatable.get(resource, 0) if largest else 0
    if largest is None or not has:
        return f"{asks}, and no node has any"
    model = model_of(largest.labels, types)
    return f"{asks}, the largest node{kind} ({largest.name}{', ' + model if model else ''}) has {told(resource, has)}"


def beyond_all(ask: Ask, rooms: Sequence[Room]) -> str:
    """The resource of which one pod asks more than any node has, an accelerator first; "" for none.

    Nodes that will offer an accelerator once their driver is there have an amount that is not known yet.
    """
    for resource, number in sorted(ask.needs.items(), key=lambda need: "/" not in need[0]):
        largest = _largest(rooms, resource)
        most = largest.allocatable.get(resource, 0) if largest else 0
        if number > most and not any(unready(room, resource) for room in rooms):
            return resource
    return ""


def _largest(rooms: Sequence[Room], resource: str) -> Room | None:
    return max(rooms, key=lambda room: room.allocatable.get(resource, 0), default=None)


def reasons(found: Fit, rooms: Sequence[Room], types: Types) -> list[str]:
    """Why an ask does not find all its places, the binding reason first; each node is counted once."""
    if found.told:
        return [found.told, *found.more]
    return of_nodes(found, rooms, types)


def of_nodes(found: Fit, rooms: Sequence[Room], types: Types) -> list[str]:
    """What nodes have against an ask's pods, whatever else there is."""
    device = device_of(found.ask)
    relevant = [one for one in found.open_ if _concerns(one, device)]
    large = too_large(found.ask, reach(found), types, "" if len(reach(found)) == len(rooms) else " of that kind")
    if large and (not relevant or only_small(relevant, found.ask, device, found.view or View(()))):
        return [large]
    lines = blocked(relevant, found.ask, device, found.view or View(()), types)
    if found.missing:
        lines = _binding(found, relevant, lines, types)
    return [*([found.crowd] if found.crowd and not found.missing else []), *lines]


def _binding(found: Fit, relevant: Sequence[Slots], lines: list[str], types: Types) -> list[str]:
    """The reasons with that first which lets no more of the pods in."""
    high, count = found.room.high, found.ask.count
    if found.room.why:
        return [rule_allows(found.room.why, high, count) + _as_strict(found), *lines]
    if not high:
        return lines
    some = some_fit(high, count, found.ask.role or "pod")
    scarce = _all_taken([one for one in relevant if one.count], found.ask, types) + _as_strict(found)
    return [f"{some}: {lines[0]}", *lines[1:]] if _is_short(lines, relevant) else [f"{some}: {scarce}", *lines]


def _as_strict(found: Fit) -> str:
    """The rules across nodes that allow no more, either: without what is named, they would be in the way."""
    rules = as_strict(found.open_, found.ask.pod, found.room.high)
    return "".join(f", and its {rule} rule allows no more" for rule in rules if rule != found.room.why)


def _is_short(lines: Sequence[str], relevant: Sequence[Slots]) -> bool:
    """Whether the first line is about nodes that are open and full: what is held there is what is missing."""
    full = (one for one in relevant if one.limit == RESOURCE and not one.count)
    return bool(lines) and any(_held(one) for one in full)


def _held(one: Slots) -> bool:
    """Whether pods have what a node has too little of, which is large enough without them."""
    free, has = one.room.free(one.what), _has(one, one.what)
    return free < has


def _all_taken(taking: Sequence[Slots], ask: Ask, types: Types) -> str:
    """Why nodes that take some pods take no more, with what they have in all."""
    limit, what = Counter((one.limit, one.what) for one in taking).most_common(1)[0][0]
    if limit != RESOURCE:
        return ONE_MORE.get(limit, f"its {limit} rule allows no more").format(what=what)
    subject = _subject(taking, types)
    free, total = (sum(amount) for amount in zip(*((o.room.free(what), _has(o, what)) for o in taking), strict=True))
    need = 1 if what == "pods" else ask.needs[what]
    asks = "" if "/" in what or what == "pods" else f", each {ask.role or 'pod'} asks {told(what, need)}"
    if free >= need * ask.count:
        most = amount_of(what, max(one.room.free(what) for one in taking))
        return f"{subject} at most {most} free on one node, each {ask.role or 'pod'} asks {told(what, need)}"
    who = Counter[tuple[str, str]]()
    for one in taking:
        who.update(holders(one.room, what))
    return f"{have_all(subject, what, total, free)}{held_by(who)}{asks}"


def _has(one: Slots, resource: str) -> int:
    return one.room.allocatable.get(resource, 0)


def _subject(taking: Sequence[Slots], types: Types) -> str:
    """`the l4 nodes have`, `the a100 node has`."""
    models = sorted({model_of(one.room.labels, types) for one in taking} - {""})
    named = f"{' and '.join(models)} " if models else ""
    return f"the {named}{'node has' if len(taking) == 1 else 'nodes have'}"


def node_reason(one: Slots, ask: Ask, device: str) -> str:
    """Why a node does not take (more of) an ask's pods: who holds it, what is short, what keeps it closed."""
    if one.limit == TAINT:
        why = meant(one.what)
        return why if why in (CORDONED, UNREADY) else f"taint {one.what} is not tolerated"
    if one.limit != RESOURCE:
        return NODE_CLOSED.get(one.limit, f"{one.limit} rule")
    if device and unready(one.room, device):
        return "its driver or device plugin is not ready"
    if device and not one.room.allocatable.get(device) and (other := offer(one.room, device)):
        return f"it offers {other}"
    if device and ask.needs.get(device, 0) > one.room.free(device):
        return held(one.room, device) or f"{devices(device, ask.needs[device])} asked"
    if one.what == device:
        return held(one.room, device)
    return f"{one.what}: {told(one.what, max(0, one.room.free(one.what)))} free, {_asked(ask, one.what)} asked"


def held(room: Room, device: str) -> str:
    """`8 held by training-b (namespace vision)`; "" where nobody holds any."""
    who = holders(room, device).most_common()
    if not who:
        return ""
    total = sum(number for _, number in who)
    return f"{total} held by {_people(who)}"


def _people(who: Sequence[tuple[tuple[str, str], int]]) -> str:
    named = [f"{name} (namespace {namespace})" for (namespace, name), _ in who[:NAMED]]
    rest = len(who) - NAMED
    return ", ".join(named) + (f" and {rest} more" if rest > 0 else "")


def _asked(ask: Ask, resource: str) -> str:
    return "1" if resource == "pods" else told(resource, ask.needs.get(resource, 0))


def _concerns(one: Slots, device: str) -> bool:
    """Whether a node is one that could be meant: with the device, others of its vendor, or a driver on its way."""
    return not device or bool(offered(one.room, vendor(device))) or unready(one.room, device)
