"""Why pods do not find a place, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.devices import holders, model_of, unready
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.requests import told
from mlstack.plan.fit.slots import PORT, RESOURCE, SELECTOR, TAINT, VOLUME, Slots
from mlstack.plan.fit.taints import CORDON
from mlstack.plan.fit.taints import told as taint_told

SHORT = {"nvidia.com/gpu": "GPU", "amd.com/gpu": "GPU", "google.com/tpu": "TPU chip"}
NAMED = 3  # holders that are named; the rest are counted
CLOSED = {
    SELECTOR: "not of the kind asked for (node selector)",
    PORT: "port taken",
    VOLUME: "out of its volume's reach",
}

Types = Mapping[str, str]


def devices(resource: str, number: int) -> str:
    """`1 GPU`, `2 GPUs`, `4 habana.ai/gaudi`."""
    short = SHORT.get(resource)
    return f"{number} {short}{'' if number == 1 else 's'}" if short else f"{told(resource, number)} {resource}"


def device_of(ask: Ask) -> str:
    """The accelerator that an ask's pods request; "" if none."""
    return next((name for name, number in ask.needs.items() if "/" in name and number), "")


def too_large(ask: Ask, nodes: Sequence[Room], types: Types) -> str:
    """What one pod asks more of than any node has; "" if some node is large enough in each resource."""
    resource = beyond_all(ask, nodes)
    if not resource:
        return ""
    asks = f"each {ask.role or 'pod'} asks {told(resource, ask.needs[resource])} {resource}"
    largest = _largest(nodes, resource)
    has = largest.allocatable.get(resource, 0) if largest else 0
    if largest is None or not has:
        return f"{asks}, and no node has any"
    model = model_of(largest.labels, types)
    return f"{asks}, the largest node ({largest.name}{', ' + model if model else ''}) has {told(resource, has)}"


def beyond_all(ask: Ask, nodes: Sequence[Room]) -> str:
    """The resource of which one pod asks more than any node has; "" for none."""
    for resource, number in ask.needs.items():
        largest = _largest(nodes, resource)
        if number > (largest.allocatable.get(resource, 0) if largest else 0):
            return resource
    return ""


def _largest(nodes: Sequence[Room], resource: str) -> Room | None:
    return max(nodes, key=lambda room: room.allocatable.get(resource, 0), default=None)


def reasons(found: Fit, nodes: Sequence[Room], types: Types) -> list[str]:
    """Why an ask does not find all its places, the weightiest first; none where nothing is in its way."""
    if found.told:
        return [found.told]
    large = too_large(found.ask, nodes, types)
    if large:
        return [large]
    device = device_of(found.ask)
    relevant = [one for one in found.found if _offers(one, found.ask, device)]
    lines = [*_short(relevant, found.ask, device, types), *_closed(relevant), *_driverless(relevant, device)]
    if found.room.why:
        lines.append(f"its {found.room.why} rule allows {found.room.high}")
    return lines or ([_all_together(found, relevant)] if found.missing else [])


def node_reason(one: Slots, ask: Ask, device: str) -> str:
    """Why a node does not take (more of) an ask's pods: who holds it, what is short, what keeps it closed."""
    if one.limit == TAINT:
        return "cordoned" if one.what == taint_told(CORDON) else f"taint {one.what} is not tolerated"
    if one.limit != RESOURCE:
        return CLOSED.get(one.limit, f"{one.limit} rule")
    if device and unready(one.room, device):
        return "its driver or device plugin is not ready"
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
    number = f"{len(full)} of {len(group)}" if len(full) < len(group) else f"{len(group)}"
    nodes = f"{number} {model + ' ' if model else ''}node{'' if len(group) == 1 else 's'}"
    has = "has" if len(full) == 1 else "have"
    if device and all(one.what == device for one in full):
        most = max(one.room.free(device) for one in full)
        who: Counter[tuple[str, str]] = sum((holders(one.room, device) for one in full), Counter())
        free = f"{devices(device, most)} free" if most > 0 else f"no {SHORT.get(device, device)} free"
        return f"{nodes} {has} {'at most ' if len(full) > 1 and most > 0 else ''}{free}{_by(who)}"
    scarce = Counter(one.what for one in full).most_common(1)[0][0]
    most = max(one.room.free(scarce) for one in full)
    return f"{nodes} {has} at most {told(scarce, max(0, most))} {scarce} free, {_asked(ask, scarce)} asked"


def _driverless(relevant: Iterable[Slots], device: str) -> list[str]:
    """Nodes with accelerators that their kubelets do not offer yet."""
    count = sum(1 for one in relevant if device and unready(one.room, device))
    return [f"{count} node{' has' if count == 1 else 's have'} no driver or device plugin ready"] if count else []


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
    return [_closed_line(count, limit, what) for (limit, what), count in why.most_common()]


def _closed_line(count: int, limit: str, what: str) -> str:
    nodes, are = f"{count} node{'' if count == 1 else 's'}", "is" if count == 1 else "are"
    if limit == TAINT:
        cordoned = what == taint_told(CORDON)
        return f"{nodes} {are} cordoned" if cordoned else f"{nodes} {'has' if count == 1 else 'have'} taint {what}"
    return f"{nodes} {are} {CLOSED.get(limit, f'kept off by a rule about {limit}')}"
