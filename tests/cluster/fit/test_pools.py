"""Pools that may grow, those without nodes included: what is said to fit once nodes come does, not one before.

The real scheduler is asked twice: with all the nodes that are said to be needed but one, and with that one too.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mlstack.cluster.client import Client
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.growing import Coming, grown, needed
from mlstack.plan.fit.nodes import Room
from mlstack.plan.fit.outlook import Prospect, outlooks
from mlstack.plan.fit.pools import Growth, Pool, coming, zones_of
from mlstack.plan.fit.requests import amounts
from mlstack.sandbox.nodes import SIMULATED
from tests.cluster.fit import oracle, plane
from tests.cluster.fit.clusters import GROUP, MODEL, MODEST, POOLS, TAINTS, Manifest
from tests.cluster.fit.jobs import Scene, scene
from tests.cluster.fit.oracle import Case


@dataclass(frozen=True)
class Growing:
    """A case with the nodes that have to come, in the order in which they do, and whether one fewer surely fails."""

    case: Case
    nodes: tuple[Room, ...]
    sharp: bool


def _growth(one: Scene) -> Growth:
    """Two pools that the scene may grow by; there is no node of theirs."""
    pick = random.Random(one.seed)
    return Growth(pools=tuple(_pool(pick, one, name) for name in ("small", "large")))


def _pool(pick: random.Random, one: Scene, name: str) -> Pool:
    model, size = pick.choice(POOLS)
    labels = {SIMULATED: "true", GROUP: one.group, **({MODEL: model} if model else {})}
    zones = pick.choice((("a",), ("b",), ("a", "b")))
    taints = tuple(TAINTS[: pick.randint(0, 1)])
    return Pool(f"{one.group}-{name}", pick.randint(1, 5), amounts(size), labels, taints, zones)


def _needing(case: Case) -> Growing | None:
    """The case with more workers than fit now, where pools can bring the nodes for them."""
    worker, *others = case.asks
    growth = _growth(case.scene)
    asked = (replace(worker, count=case.most + 1 + case.scene.seed % 4), *others)
    comes = needed(case.view, asked, growth)
    if not comes:
        return None
    nodes = [room for one in comes for room in _nodes(case, growth, one)]
    told = {each.prospect for each in outlooks(case.view, asked, grows=growth, types={})}
    assert told <= {Prospect.FITS, Prospect.WAITS, Prospect.UNKNOWN}, case.scene.seed
    before = fit(grown(case.view, nodes[:-1]), asked)
    return Growing(replace(case, asks=asked), tuple(nodes), any(each.verdict is Verdict.NOT for each in before))


def _nodes(case: Case, growth: Growth, one: Coming) -> list[Room]:
    pool = next(pool for pool in growth.pools if pool.name == one.pool)
    zones = (one.zone,) if one.zone else zones_of(pool, case.view.nodes or ())
    made = [coming(pool, case.view.nodes or (), "", zones[i % len(zones)], i) for i in range(one.nodes)]
    return [room for room in made if room is not None]


def _manifest(room: Room) -> Manifest:
    size = {name: f"{number}m" if name == "cpu" else str(number) for name, number in room.allocatable.items()}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": room.name, "labels": dict(room.labels)},
        "spec": {"taints": [dict(taint) for taint in room.taints]},
        "status": {"capacity": size, "allocatable": size},
    }


def _play(client: Client, shared: str, seeds: Sequence[int]) -> tuple[list[str], Counter[str]]:
    scenes = [_modest(scene(seed, 5, shared)) for seed in seeds]
    try:
        found = [one for case in oracle.prepare(client, shared, scenes) if (one := _needing(case)) is not None]
        there = sum(len(one.nodes) for one in scenes)
        plane.make(client, [(plane.NODE, _manifest(room), "") for one in found for room in one.nodes[:-1]])
        plane.ready_nodes(client, there + sum(len(one.nodes) - 1 for one in found))
        before = oracle.schedule(client, [one.case for one in found])
        plane.make(client, [(plane.NODE, _manifest(one.nodes[-1]), "") for one in found])
        plane.ready_nodes(client, there + sum(len(one.nodes) for one in found))
        after = plane.all_placed(client, sum(ask.count for one in found for ask in one.case.asks))
    finally:
        oracle.remove(client, shared, scenes)
    told = Counter({"clusters": len(found), "nodes": sum(len(one.nodes) for one in found)})
    told["sharp"] = sum(one.sharp for one in found)
    return [text for one in found for text in _wrong(one, before, after)], told


def _modest(one: Scene) -> Scene:
    """The scene with a job that pushes nobody out: it waits for nodes."""
    for template in one.templates:
        template["spec"]["priorityClassName"] = MODEST
    return one


def _wrong(one: Growing, before: Counter[tuple[int, str]], after: Counter[tuple[int, str]]) -> list[str]:
    seed, asks = one.case.scene.seed, one.case.asks
    wrong = [] if _all(seed, asks, after) else [f"seed {seed}: not all placed with {len(one.nodes)} more nodes"]
    if one.sharp and _all(seed, asks, before):
        wrong.append(f"seed {seed}: all placed with {len(one.nodes) - 1} more nodes already")
    return wrong


def _all(seed: int, asks: Sequence[Ask], placed: Counter[tuple[int, str]]) -> bool:
    return all(placed[seed, ask.role] == ask.count for ask in asks)


def _told(seeds: Sequence[int], told: Counter[str], capsys: Any) -> None:
    with capsys.disabled():
        print(f"\nseeds {seeds[0]} to {seeds[-1]}: {told['clusters']} clusters fit once {told['nodes']} nodes came,")
        print(f"  {told['sharp']} of them surely not with one fewer")


def test_pools_of_small_clusters(client: Client, made: str, capsys: Any) -> None:
    seeds = range(2001, 2025)
    wrong, told = _play(client, made, seeds)
    _told(seeds, told, capsys)
    assert not wrong, "\n".join(wrong)
    assert told["sharp"] > 2


@pytest.mark.slow
@pytest.mark.parametrize("first", range(2100, 2200, 25))
def test_pools_of_a_hundred_clusters(client: Client, made: str, first: int, capsys: Any) -> None:
    seeds = range(first, first + 25)
    wrong, told = _play(client, made, seeds)
    _told(seeds, told, capsys)
    assert not wrong, "\n".join(wrong)
