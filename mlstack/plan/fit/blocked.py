"""Nodes that take none of an ask's pods, in words: each is counted once, with all that keeps it closed.

A node of which two things are wrong does not open when one of them goes, and no reason may say so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.attaching import attach_slots
from mlstack.plan.fit.binding import volume_slots
from mlstack.plan.fit.devices import holders, house_rule, model_of, offered, unready, vendor
from mlstack.plan.fit.domains import rules_against
from mlstack.plan.fit.labels import Labels, node_matches
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.phrases import closed, devices, have, nodes, short_name, too_little
from mlstack.plan.fit.requests import told
from mlstack.plan.fit.slots import ATTACH, PORT, RESOURCE, SELECTOR, TAINT, VOLUME, Slots, ports_taken
from mlstack.plan.fit.taints import told as told_taint
from mlstack.plan.fit.taints import untolerated
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import mounts, reachable

DRIVER, SMALL, OTHER = "driver", "small", "other devices"
OPEN = (RESOURCE, SMALL, DRIVER, OTHER)  # such nodes let the pod in, and have too little for it

Blocker = tuple[str, str]
"""What keeps pods off: the rule, and the taint, resource or driver that it is about."""
Blockers = tuple[Blocker, ...]
Rules = Callable[[Labels], list[str]]


def blockers(room: Room, ask: Ask, device: str, view: View, rules: Rules) -> Blockers:
    """All that keeps a pod off a node; none where it would be taken. `rules`: those across nodes, by labels."""
    spec, found = ask.pod["spec"], list[Blocker]()
    if spec.get("nodeName", room.name) != room.name or not node_matches(spec, room.name, room.labels):
        found.append((SELECTOR, ""))
    tolerations = list(spec.get("tolerations") or ())
    found += [(TAINT, told_taint(taint)) for taint in room.taints if untolerated([taint], tolerations)]
    across = [house_rule(room, ask.pod, ask.needs), *rules(room.labels), PORT if ports_taken(room, ask.pod) else ""]
    found += [(limit, "") for limit in across if limit]
    return (*found, *_shortages(room, ask, device), *_volumes(room, ask, view))


def _shortages(room: Room, ask: Ask, device: str) -> list[Blocker]:
    """What a node has too little of for one of the pods, an accelerator first."""
    found = list[Blocker]()
    for name, number in sorted({**ask.needs, "pods": 1}.items(), key=lambda need: "/" not in need[0]):
        if not number or room.free(name) >= number:
            continue
        if name == device and unready(room, name):
            found.append((DRIVER, name))
        elif room.allocatable.get(name, 0) >= number:
            found.append((RESOURCE, name))
        else:
            others = name == device and not room.allocatable.get(name) and offered(room, vendor(name))
            found.append((OTHER if others else SMALL, name))
    return found


def _volumes(room: Room, ask: Ask, view: View) -> list[Blocker]:
    if not mounts(ask.pod):
        return []
    storage = view.storage
    near = reachable(ask.pod, storage, room.name, room.labels) and volume_slots(ask.pod, storage, room, 1)
    count, driver = attach_slots(ask.pod, storage, room, 1)
    return [*([] if near else [(VOLUME, "")]), *([] if count else [(ATTACH, driver)])]


def blocked(found: Sequence[Slots], ask: Ask, device: str, view: View, types: Mapping[str, str]) -> list[str]:
    """The nodes that take none, those first of which the fewest things have to go; those of another kind last."""
    rules = _rules(found, ask, view)
    why = {one.room.name: blockers(one.room, ask, device, view, rules) for one in found if not one.count}
    groups: dict[tuple[str, Blockers], list[Room]] = {}
    taking = Counter(model_of(one.room.labels, types) for one in found if one.count)
    for one in found:
        if not one.count:
            model, key = model_of(one.room.labels, types), _key(why[one.room.name])
            groups.setdefault((model if _is_open(key) else "", key), []).append(one.room)
    lines: list[str] = []
    for (model, key), rooms in sorted(groups.items(), key=_weight):
        first = min((why[room.name] for room in rooms), key=len)
        full = len(rooms) + taking[model] if key == ((RESOURCE, ""),) else 0
        lines.append(_line(nodes(len(rooms), full, model), rooms, first if not lines else _told(first), ask))
    return lines


def only_small(found: Sequence[Slots], ask: Ask, device: str, view: View) -> bool:
    """Whether some node keeps nothing off but what it has too little of."""
    rules = _rules(found, ask, view)
    return any(_is_open(blockers(one.room, ask, device, view, rules)) for one in found)


def _rules(found: Sequence[Slots], ask: Ask, view: View) -> Rules:
    """The rules across nodes: they look at all pods, those on nodes that an ask has nothing to do with as well."""
    rooms = view.nodes or [one.room for one in found]
    return rules_against(ask.pod, rooms, first=not any(one.count for one in found))


def _key(why: Blockers) -> Blockers:
    """Nodes of another kind are one group, and those that are open and full."""
    limits = {limit for limit, _ in why}
    if SELECTOR in limits:
        return ((SELECTOR, ""),)
    return ((RESOURCE, ""),) if limits == {RESOURCE} else why


def _is_open(key: Blockers) -> bool:
    return all(limit in OPEN for limit, _ in key)


def _told(why: Blockers) -> Blockers:
    """Of a node of another kind only that is told, unless all are."""
    return ((SELECTOR, ""),) if any(limit == SELECTOR for limit, _ in why) else why


def _weight(group: tuple[tuple[str, Blockers], Sequence[Room]]) -> tuple[int, int, int]:
    (_, key), rooms = group
    order = 2 if key == ((SELECTOR, ""),) else 0 if key == ((RESOURCE, ""),) else 1
    return order, len(key), -len(rooms)


def _line(subject: str, rooms: Sequence[Room], why: Blockers, ask: Ask) -> str:
    number = len(rooms)
    few = [_few(limit, what, rooms, ask) for limit, what in why if limit in (RESOURCE, SMALL, DRIVER)]
    words = [f"{have(number)} {' and '.join(few)}{_holders(rooms, why)}"] if few else []
    words += [_offer(rooms[0], what, number) for limit, what in why if limit == OTHER]
    rules = [closed(number, limit, what).removeprefix(f"{nodes(number)} ") for limit, what in why if limit not in OPEN]
    return f"{subject} {', and '.join([*rules, *words])}"


def _few(limit: str, what: str, rooms: Sequence[Room], ask: Ask) -> str:
    if limit == DRIVER:
        return "no driver or device plugin ready"
    if limit == SMALL:
        most = max(room.allocatable.get(what, 0) for room in rooms)
        return f"{told(what, most)} {what} in all" if most else f"no {short_name(what) or what}"
    short = [room.free(what) for room in rooms if room.free(what) < ask.needs.get(what, 1)]
    return too_little(what, ask.needs.get(what, 0), max(short))


def _offer(room: Room, device: str, number: int) -> str:
    return f"{'offers' if number == 1 else 'offer'} {offer(room, device)}, and no {short_name(device) or device}"


def offer(room: Room, device: str) -> str:
    """What a node offers of a vendor's devices: `8 GPUs`, `7 MIG 1g.5gb devices`."""
    return ", ".join(devices(name, number) for name, number in sorted(offered(room, vendor(device)).items()))


def _holders(rooms: Sequence[Room], why: Blockers) -> str:
    who = Counter[tuple[str, str]]()
    device = next((what for limit, what in why if limit == RESOURCE and "/" in what), "")
    for room in rooms if device else ():
        who.update(holders(room, device))
    return held_by(who)


def held_by(who: Counter[tuple[str, str]]) -> str:
    """`: training-b (namespace vision) holds 2`; "" for nobody."""
    if not who:
        return ""
    ((namespace, name), number), *rest = who.most_common()
    more = f" and {len(rest)} more hold {sum(who.values())}" if rest else f" holds {number}"
    return f": {name} (namespace {namespace}){more}"
