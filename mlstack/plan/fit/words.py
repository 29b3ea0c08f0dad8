"""Why pods do not find a place, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import holders, model_of, unready
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.phrases import CORDONED, UNREADY, closed, devices, have, meant, nodes, rule_allows, too_little
from mlstack.plan.fit.requests import told
from mlstack.plan.fit.slots import PORT, RESOURCE, SELECTOR, TAINT, VOLUME, Slots

NAMED = 3  # holders that are named; the rest are counted
# A node that takes none, in a table.
NODE_CLOSED = {
    SELECTOR: "not of the kind asked for (node selector)",
    PORT: "port taken",
    VOLUME: "out of its volume's reach",
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
        if number > most and (most or not any(unready(room, resource) for room in rooms)):
            return resource
    return ""


def _largest(rooms: Sequence[Room], resource: str) -> Room | None:
    return max(rooms, key=lambda room: room.allocatable.get(resource, 0), default=None)


def reasons(found: Fit, rooms: Sequence[Room], types: Types) -> list[str]:
    """Why an ask does not find all its places, the weightiest first; none where nothing is in its way."""
    if found.told:
        return [found.told]
    large = too_large(found.ask, reach(found), types, "" if len(reach(found)) == len(rooms) else " of that kind")
    if large:
        return [large]
    device = device_of(found.ask)
    relevant = [one for one in found.found if _offers(one, found.ask, device)]
    lines = [*_short(relevant, found.ask, device, types), *_closed(relevant), *_driverless(relevant, device)]
    if found.room.why:
        lines.append(rule_allows(found.room.why, found.room.high, found.ask.count))
    return lines or ([_all_together(found, relevant)] if found.missing else [])


def node_reason(one: Slots, ask: Ask, device: str) -> str:
    """Why a node does not take (more of) an ask's pods: who holds it, what is short, what keeps it closed."""
    if one.limit == TAINT:
        why = meant(one.what)
        return why if why in (CORDONED, UNREADY) else f"taint {one.what} is not tolerated"
    if one.limit != RESOURCE:
        return NODE_CLOSED.get(one.limit, f"{one.limit} rule")
    if device and unready(one.room, device):
        return "its driver or device plugin is not ready"
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


def _offers(one: Slots, ask: Ask, device: str) -> bool:
    """Whether a node is of a size that takes one of the pods when it is empty, or should be, with its driver."""
    if device and unready(one.room, device):
        return True
    return all(one.room.allocatable.get(name, 0) >= number for name, number in ask.needs.items())


def _short(relevant: Iterable[Slots], ask: Ask, device: str, types: Types) -> list[str]:
    """Nodes that are open, but have too little left, by model."""
    groups: dict[str, list[Slots]] = {}
    for one in relevant:
        if one.limit == RESOURCE and not (device and unready(one.room, device)):
            groups.setdefault(model_of(one.room.labels, types), []).append(one)
    return [_group(model, group, ask, device) for model, group in groups.items() if any(not one.count for one in group)]


def _group(model: str, group: Sequence[Slots], ask: Ask, device: str) -> str:
    full = [one for one in group if not one.count]
    by_device = bool(device) and all(one.what == device for one in full)
    scarce = device if by_device else Counter(one.what for one in full).most_common(1)[0][0]
    most = max(one.room.free(scarce) for one in full)
    who = Counter[tuple[str, str]]()
    for one in full if by_device else ():
        who.update(holders(one.room, device))
    few = too_little(scarce, ask.needs.get(scarce, 0), most)
    return f"{nodes(len(full), len(group), model)} {have(len(full))} {few}{_by(who)}"


def _driverless(relevant: Iterable[Slots], device: str) -> list[str]:
    """Nodes with accelerators that their kubelets do not offer yet."""
    count = sum(1 for one in relevant if device and unready(one.room, device))
    return [f"{nodes(count)} {have(count)} no driver or device plugin ready"] if count else []


def _all_together(found: Fit, relevant: Iterable[Slots]) -> str:
    """Every node takes some, but all together too few: the resource that most often allows no more is named."""
    scarce = Counter(one.what for one in relevant if one.limit == RESOURCE).most_common(1)
    by = f": {scarce[0][0]} allows no more" if scarce else ""
    return f"all nodes together take {found.room.high} of {found.ask.count}{by}"


def _by(who: Counter[tuple[str, str]]) -> str:
    if not who:
        return ""
    ((namespace, name), number), *rest = who.most_common()
    more = f" and {len(rest)} more hold {sum(who.values())}" if rest else f" holds {number}"
    return f": {name} (namespace {namespace}){more}"


def _closed(relevant: Iterable[Slots]) -> list[str]:
    """Nodes that would be large enough, but do not let the pod in."""
    why = Counter((one.limit, one.what) for one in relevant if one.limit != RESOURCE and not one.count)
    return [closed(count, limit, what) for (limit, what), count in why.most_common()]
