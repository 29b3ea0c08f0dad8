"""Why pods do not find a place, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import holders, model_of, offered, unready, vendor
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.phrases import (
    CORDONED,
    UNREADY,
    amount_of,
    closed,
    devices,
    have,
    have_all,
    meant,
    nodes,
    rule_allows,
    short_name,
    some_fit,
    too_little,
)
from mlstack.plan.fit.requests import told
from mlstack.plan.fit.slots import ATTACH, PORT, RESOURCE, SELECTOR, TAINT, VOLUME, Slots

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
        return [found.told]
    large = too_large(found.ask, reach(found), types, "" if len(reach(found)) == len(rooms) else " of that kind")
    if large:
        return [large]
    device = device_of(found.ask)
    relevant = [one for one in found.found if _concerns(one, device)]
    full = [*_short(relevant, found.ask, device, types), *_others(relevant, found.ask, device, types)]
    lines = [*full, *_driverless(relevant, device), *_closed(relevant)]
    if found.missing:
        lines = _binding(found, relevant, lines, types)
    return [*([found.crowd] if found.crowd and not found.missing else []), *lines]


def _binding(found: Fit, relevant: Sequence[Slots], lines: list[str], types: Types) -> list[str]:
    """The reasons with that first which lets no more of the pods in."""
    high, count = found.room.high, found.ask.count
    if found.room.why:
        return [rule_allows(found.room.why, high, count), *lines]
    if not high:
        return lines
    some = some_fit(high, count, found.ask.role or "pod")
    scarce = _all_taken([one for one in relevant if one.count], found.ask, types)
    return [f"{some}: {lines[0]}", *lines[1:]] if _is_short(lines, relevant) else [f"{some}: {scarce}", *lines]


def _is_short(lines: Sequence[str], relevant: Sequence[Slots]) -> bool:
    """Whether the first line is about nodes that are open and full: what is held there is what is missing."""
    return bool(lines) and any(one.limit == RESOURCE and not one.count and _held(one) for one in relevant)


def _held(one: Slots) -> bool:
    return one.room.free(one.what) < one.room.allocatable.get(one.what, 0)


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
    return f"{have_all(subject, what, total, free)}{_by(who)}{asks}"


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
    if device and not one.room.allocatable.get(device) and (other := _offer(one.room, device)):
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


def _large_enough(one: Slots, ask: Ask) -> bool:
    return all(one.room.allocatable.get(name, 0) >= number for name, number in ask.needs.items())


def _others(relevant: Iterable[Slots], ask: Ask, device: str, types: Types) -> list[str]:
    """Open nodes that are too small even when they are empty, by what they have."""
    groups: dict[tuple[str, str, int], int] = {}
    for one in relevant:
        if one.limit != RESOURCE or one.count or _large_enough(one, ask) or (device and unready(one.room, device)):
            continue
        missing = next(name for name, number in _by_weight(ask) if one.room.allocatable.get(name, 0) < number)
        key = (model_of(one.room.labels, types), missing, one.room.allocatable.get(missing, 0))
        if key[2] or missing != device:
            groups[key] = groups.get(key, 0) + 1
        else:
            key = (key[0], _offer(one.room, device), -1)
            groups[key] = groups.get(key, 0) + 1
    return [_too_small(*key, number, device) for key, number in groups.items()]


def _by_weight(ask: Ask) -> list[tuple[str, int]]:
    return sorted(ask.needs.items(), key=lambda need: "/" not in need[0])


def _offer(room: Room, device: str) -> str:
    """What a node offers of a vendor's devices: `8 GPUs`, `7 MIG 1g.5gb devices`."""
    return ", ".join(devices(name, number) for name, number in sorted(offered(room, vendor(device)).items()))


def _too_small(model: str, what: str, amount: int, number: int, device: str) -> str:
    if amount < 0:
        offers = "offers" if number == 1 else "offer"
        return f"{nodes(number, 0, model)} {offers} {what}, and no {short_name(device) or device}"
    return f"{nodes(number, 0, model)} {have(number)} {told(what, amount)} {what} in all"


def _short(relevant: Iterable[Slots], ask: Ask, device: str, types: Types) -> list[str]:
    """Nodes that are open, but have too little left, by model."""
    groups: dict[str, list[Slots]] = {}
    for one in relevant:
        if one.limit == RESOURCE and _large_enough(one, ask) and not (device and unready(one.room, device)):
            groups.setdefault(model_of(one.room.labels, types), []).append(one)
    return [_group(model, group, ask, device) for model, group in groups.items() if any(not one.count for one in group)]


def _group(model: str, group: Sequence[Slots], ask: Ask, device: str) -> str:
    full = [one for one in group if not one.count]
    scarce = min((_shortages(one, ask) for one in full), key=len)  # with these the first of them would be open
    few = [
        too_little(
            name, ask.needs.get(name, 0), max(one.room.free(name) for one in full if name in _shortages(one, ask))
        )
        for name in scarce
    ]
    who = Counter[tuple[str, str]]()
    for one in full if device in scarce else ():
        who.update(holders(one.room, device))
    return f"{nodes(len(full), len(group), model)} {have(len(full))} {' and '.join(few)}{_by(who)}"


def _shortages(one: Slots, ask: Ask) -> list[str]:
    """What a node has too little left of for one of the pods, an accelerator first."""
    return [name for name, number in (*_by_weight(ask), ("pods", 1)) if number and one.room.free(name) < number]


def _driverless(relevant: Iterable[Slots], device: str) -> list[str]:
    """Open nodes with accelerators that their kubelets do not offer yet."""
    count = sum(1 for one in relevant if device and one.limit == RESOURCE and unready(one.room, device))
    return [f"{nodes(count)} {have(count)} no driver or device plugin ready"] if count else []


def _by(who: Counter[tuple[str, str]]) -> str:
    if not who:
        return ""
    ((namespace, name), number), *rest = who.most_common()
    more = f" and {len(rest)} more hold {sum(who.values())}" if rest else f" holds {number}"
    return f": {name} (namespace {namespace}){more}"


def _closed(relevant: Iterable[Slots]) -> list[str]:
    """Nodes that do not let the pod in, those of another kind last."""
    why = Counter((one.limit, one.what) for one in relevant if one.limit != RESOURCE and not one.count)
    told_ = sorted(why.items(), key=lambda one: (one[0][0] == SELECTOR, -one[1]))
    return [closed(count, limit, what) for (limit, what), count in told_]
