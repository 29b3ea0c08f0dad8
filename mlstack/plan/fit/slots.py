"""How many pods of one kind a node takes, and what keeps more away: the scheduler's rules that look at one node.

Source: the scheduler's default filters NodeName, TaintToleration, NodeUnschedulable, NodeAffinity, NodePorts and
NodeResourcesFit.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlstack.plan.fit.devices import house_rule
from mlstack.plan.fit.labels import node_matches
from mlstack.plan.fit.nodes import Pod, Room
from mlstack.plan.fit.requests import Amounts, pod_requests
from mlstack.plan.fit.taints import told, untolerated

TAINT, SELECTOR, PORT, RESOURCE, VOLUME = "taint", "selector", "port", "resource", "volume"
ATTACH = "attach limit"
ANY_ADDRESS = "0.0.0.0"  # noqa: S104  (what pods ask for; nothing listens here)


@dataclass(frozen=True)
class Slots:
    """How many more pods a node takes. `limit` is the rule that allows no more, `what` the taint or resource of it."""

    room: Room
    count: int
    limit: str = ""
    what: str = ""


def slots(room: Room, pod: Pod, needs: Amounts | None = None) -> Slots:
    """How many pods like `pod` a node takes beside those that it has. `needs`: its requests, if known already."""
    spec = pod["spec"]
    if spec.get("nodeName", room.name) != room.name or not node_matches(spec, room.name, room.labels):
        return Slots(room, 0, SELECTOR)
    taint = untolerated(room.taints, spec.get("tolerations") or ())
    if taint is not None:
        return Slots(room, 0, TAINT, told(taint))
    needs = pod_requests(pod) if needs is None else needs
    if rule := house_rule(room, pod, needs):
        return Slots(room, 0, rule)
    if ports_taken(room, pod):
        return Slots(room, 0, PORT)
    count, resource = _by_resource(room, needs)
    return Slots(room, 1, PORT) if count > 1 and any(host_ports(spec)) else Slots(room, count, RESOURCE, resource)


def ports_taken(room: Room, pod: Pod) -> bool:
    """Whether a pod wants a port of the node that another pod has."""
    wanted = set(host_ports(pod["spec"]))
    return bool(wanted) and any(_clash(wanted, set(host_ports(other["spec"]))) for other in room.pods)


def host_ports(spec: Mapping[str, Any]) -> Iterator[tuple[str, str, int]]:
    """(address, protocol, port) of each port of the node that a pod takes. Init containers count if they stay."""
    sidecars = [one for one in spec.get("initContainers") or () if one.get("restartPolicy") == "Always"]
    for container in (*spec["containers"], *sidecars):
        for port in container.get("ports") or ():
            if port.get("hostPort"):
                yield port.get("hostIP") or ANY_ADDRESS, port.get("protocol") or "TCP", port["hostPort"]


def _clash(one: set[tuple[str, str, int]], other: set[tuple[str, str, int]]) -> bool:
    """The address 0.0.0.0 is every address."""
    return any(
        mine[1:] == theirs[1:] and (mine[0] == theirs[0] or ANY_ADDRESS in (mine[0], theirs[0]))
        for mine in one
        for theirs in other
    )


def _by_resource(room: Room, needs: Amounts) -> tuple[int, str]:
    """The scarcest resource decides. What is not asked for is not looked at, even where a node is over-committed."""
    best, scarce = max(0, room.free("pods")), "pods"
    for resource, number in needs.items():
        if number > 0:
            count = max(0, room.free(resource) // number)
            if count < best:
                best, scarce = count, resource
    return best, scarce
