"""What the real scheduler does once the nodes are there after which a job fits, as mlstack says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mlstack.cluster.client import Client
from mlstack.plan.fit.outlook import outlooks
from mlstack.plan.fit.pools import Growth, Pool
from mlstack.plan.fit.requests import amounts
from mlstack.sandbox.nodes import SIMULATED
from tests.cluster.fit import plane
from tests.cluster.fit.clusters import GROUP, MODEL, POOLS, ZONE, Manifest
from tests.cluster.fit.oracle import Case
from tests.cluster.fit.plane import NODE

MOST = 4


@dataclass(frozen=True)
class Grown:
    """A case, and the nodes after which all of its pods fit."""

    case: Case
    nodes: tuple[Manifest, ...]


def grows(cases: Sequence[Case]) -> list[Grown]:
    """The cases whose pods fit once nodes of a pool come."""
    found = (_grown(case) for case in cases if not case.scene.pushes)
    return [one for one in found if one is not None]


def _grown(case: Case) -> Grown | None:
    seed = case.scene.seed
    model, size = POOLS[seed % len(POOLS)]
    labels = {SIMULATED: "true", GROUP: case.scene.group} | ({MODEL: model} if model else {})
    pool = Pool(f"oracle-{seed}", MOST, amounts(size), labels, (), ("a",))
    found = outlooks(case.view, case.asks, grows=Growth(pools=(pool,)), types={})
    number = max((one.nodes for each in found for one in each.coming), default=0)
    if not number or any(each.fit.told for each in found):
        return None
    return Grown(case, tuple(_node(seed, index, labels, size) for index in range(number)))


def _node(seed: int, index: int, labels: dict[str, str], size: dict[str, str]) -> Manifest:
    name = f"oracle-{seed}-new-{index}"
    own = {**labels, ZONE: "a", "kubernetes.io/hostname": name}
    status = {"capacity": size, "allocatable": size}
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": own}, "status": status}


def after(client: Client, grown: Sequence[Grown], there: int) -> list[str]:
    """Lets the nodes come beside those that are `there`; what does not fit then after all, one line each."""
    made = [node for one in grown for node in one.nodes]
    plane.make(client, [(NODE, node, "") for node in made])
    plane.ready_nodes(client, there + len(made))
    placed = plane.settled(client, plane.asked(client), plane.RETRY_SECONDS)
    return [f"seed {one.case.scene.seed}: {text}" for one in grown for text in _wrong(one, placed)]


def _wrong(one: Grown, placed: Counter[tuple[int, str]]) -> list[str]:
    return [
        f"{ask.count} {ask.role} fit after {len(one.nodes)} more nodes, it says; {got} were placed"
        for ask in one.case.asks
        if (got := placed[one.case.scene.seed, ask.role]) < ask.count
    ]
