"""Which pods of lower priority the scheduler could push out for an ask. It is told, and not counted as room.

Source: the scheduler's DefaultPreemption: on a node, all pods of lower priority go, and come back from the highest
priority on as long as the pod still fits; of the nodes, that whose victims matter least.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlstack.plan.fit.binding import volume_slots
from mlstack.plan.fit.domains import coupled, rules_against
from mlstack.plan.fit.fit import Fit
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.places import places
from mlstack.plan.fit.requests import add, pod_requests
from mlstack.plan.fit.slots import slots
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import reachable
from mlstack.wording import counted

NAMED = 3  # victims that are named; the rest are counted


def victims(view: View, fit: Fit) -> list[Pod]:
    """The pods that would have to go for an ask's pods to fit; none where that does not help, or cannot be told.

    Rules across nodes are left alone: with them it depends on which pods go.
    """
    ask, priority = fit.ask, view.priorities.of(fit.ask.pod)
    nodes = view.nodes or ()
    if fit.room.why or fit.told or not view.priorities.pushes(ask.pod) or (ask.count > 1 and coupled(ask.pod, nodes)):
        return []
    open_ = places(view, ask).open_
    rules = rules_against(ask.pod, nodes, first=not any(one.count for one in open_))
    useful = (one.room for one in open_ if not rules(one.room.labels) and _reaches(view, fit, one.room))
    rooms = {room.name: room for room in useful if _lower(room, priority)}
    found: list[Pod] = []
    choices = {name: _choice(room, fit, priority) for name, room in rooms.items()}
    missing = fit.missing
    while missing > 0:
        choices = {name: pods for name, pods in choices.items() if pods}
        if not choices:
            return []
        name = min(choices, key=lambda one: _weight(choices[one]))
        found += choices[name]
        before, rooms[name] = rooms[name], _without(rooms[name], choices[name])
        missing -= _count(rooms[name], [], fit) - _count(before, [], fit)
        choices[name] = _choice(rooms[name], fit, priority)
    return found


def _reaches(view: View, fit: Fit, room: Room) -> bool:
    """Test whether a node has the pod's volumes once it has room: no pod that goes changes that."""
    pod = fit.ask.pod
    if not pod["spec"].get("volumes"):
        return True
    here = reachable(pod, view.storage, room.name, room.labels)
    return here and volume_slots(pod, view.storage, room, 1) > 0


def told(pods: Sequence[Pod]) -> str:
    """Who would have to go: `it would fit by preempting 2 pods of lower priority (team-b/train-0, team-b/train-1)`."""
    names = [f"{pod['metadata'].get('namespace') or 'default'}/{pod['metadata'].get('name', '')}" for pod in pods]
    rest = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    pushed = counted(len(names), "pod")
    return f"it would fit by preempting {pushed} of lower priority ({', '.join(names[:NAMED])}{rest})"


def _priority(pod: Pod) -> int:
    return int(pod["spec"].get("priority") or 0)


def _lower(room: Room, priority: int) -> list[Pod]:
    return [pod for pod in room.pods if _priority(pod) < priority]


def _choice(room: Room, fit: Fit, priority: int) -> list[Pod]:
    """The pods that go from a node for one more pod; none where that is not enough, or none has to."""
    lower = sorted(_lower(room, priority), key=_priority, reverse=True)
    wanted = slots(room, fit.ask.pod, fit.ask.needs).count + 1
    gone = list(lower)
    if _count(room, gone, fit) < wanted:
        return []
    for pod in lower:
        fewer = [one for one in gone if one is not pod]
        if _count(room, fewer, fit) >= wanted:
            gone = fewer
    return gone


def _count(room: Room, gone: Sequence[Pod], fit: Fit) -> int:
    return slots(_without(room, gone), fit.ask.pod, fit.ask.needs).count


def _without(room: Room, gone: Sequence[Pod]) -> Room:
    less = Room(room.name, room.labels, room.taints, room.allocatable, dict(room.used))
    for pod in gone:
        add(less.used, {name: -number for name, number in pod_requests(pod).items()})
    less.pods = [pod for pod in room.pods if not any(pod is one for one in gone)]
    return less


def _weight(pods: Sequence[Pod]) -> tuple[int, int, int]:
    """The scheduler's order of nodes: the least of the victims' highest priorities, of their sums, of their numbers."""
    return max(map(_priority, pods)), sum(_priority(pod) + 2**31 for pod in pods), len(pods)
