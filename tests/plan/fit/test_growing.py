from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.growing import Coming, needed, vague
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import NO_NODES, POOLS, Prospect, outlooks
from mlstack.plan.fit.pools import ZONE, Growth, Pool
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
FITS, WAITS, NEVER, UNKNOWN = Prospect.FITS, Prospect.WAITS, Prospect.NEVER, Prospect.UNKNOWN
SMALL = Pool("l4", 4, {"cpu": 8000, "memory": 2**35, GPU: 2, "pods": 110})
LARGE = Pool("a100", 1, {"cpu": 96000, "memory": 2**39, GPU: 8, "pods": 110})
APART = {
    "podAntiAffinity": {
        "requiredDuringSchedulingIgnoredDuringExecution": [
            {"labelSelector": {"matchLabels": {"job": "cnn"}}, "topologyKey": ZONE}
        ]
    }
}


def _ask(build: Build, count: int, gpus: str = "1", **spec: Any) -> Ask:
    pod = build.pod(labels={"job": "cnn"}, requests={GPU: gpus, "cpu": "1"}, **spec)
    return Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", count, pod)


def _view(build: Build, gpus: int = 0, held: int = 0) -> View:
    node = build.node("there", allocatable={GPU: str(gpus)})
    return View(rooms([node], [build.pod("there", requests={GPU: str(held)})] if held else []))


# pools, GPUs on the node that is there, GPUs held of them, workers, GPUs of each; what becomes of them, what comes.
ROWS: list[tuple[str, tuple[Pool, ...], int, int, int, str, Prospect, tuple[Coming, ...], str]] = [
    ("room enough", (SMALL,), 4, 0, 4, "1", FITS, (), ""),
    ("a pool without nodes", (SMALL,), 0, 0, 3, "1", WAITS, (Coming("l4", 2),), ""),
    ("beside what is there", (SMALL,), 1, 0, 3, "1", WAITS, (Coming("l4", 1),), ""),
    ("the fewest nodes", (SMALL, LARGE), 0, 0, 8, "1", WAITS, (Coming("a100", 1),), ""),
    ("the first of equals", (SMALL, LARGE), 0, 0, 2, "1", WAITS, (Coming("l4", 1),), ""),
    ("several together", (SMALL, LARGE), 0, 0, 11, "1", WAITS, (Coming("l4", 2), Coming("a100", 1)), ""),
    ("not even all together", (SMALL, LARGE), 0, 0, 17, "1", NEVER, (), POOLS),
    ("too large for each", (SMALL, LARGE), 0, 0, 1, "16", NEVER, (), POOLS),
    ("only once others go", (SMALL,), 4, 4, 10, "1", WAITS, (), ""),
    ("a pool of unknown size", (Pool("what"),), 0, 0, 1, "1", UNKNOWN, (), ""),
    ("a pool of unknown end", (Pool("l4", None, SMALL.machine),), 0, 0, 3, "1", UNKNOWN, (Coming("l4", 2, False),), ""),
    ("no pool at all", (), 0, 0, 1, "1", NEVER, (), NO_NODES),
]


@pytest.mark.parametrize(
    ("pools", "gpus", "held", "count", "each", "prospect", "comes", "final"),
    [row[1:] for row in ROWS],
    ids=[row[0] for row in ROWS],
)
def test_what_pools_may_bring(
    build: Build,
    pools: tuple[Pool, ...],
    gpus: int,
    held: int,
    count: int,
    each: str,
    prospect: Prospect,
    comes: tuple[Coming, ...],
    final: str,
) -> None:
    (found,) = outlooks(_view(build, gpus, held), [_ask(build, count, each)], grows=Growth(pools=pools), types={})
    assert (found.prospect, found.coming, found.final) == (prospect, comes, final)


def test_what_is_said(build: Build) -> None:
    (found,) = outlooks(_view(build), [_ask(build, 11)], grows=Growth(pools=(SMALL, LARGE)), types={})
    assert found.reasons[-1] == "it fits after 2 more nodes of pool l4 and 1 more node of pool a100 come"
    endless = Growth(pools=(Pool("l4", None, SMALL.machine),))
    (found,) = outlooks(_view(build), [_ask(build, 1)], grows=endless, types={})
    assert found.reasons[-2:] == ("it fits after 1 more node of pool l4 comes", "how far pool l4 may grow is not said")


def test_what_is_said_where_all_pools_are_too_small(build: Build) -> None:
    (found,) = outlooks(_view(build), [_ask(build, 17)], grows=Growth(pools=(SMALL, LARGE)), types={})
    assert found.reasons[-1] == "with all nodes that may come, 16 of 17 find a place"
    (found,) = outlooks(_view(build, 4, 4), [_ask(build, 10)], grows=Growth(pools=(SMALL,)), types={})
    assert found.reasons[-1] == "no pool may grow so far that all of it fits beside the pods that are there"


def test_pods_that_must_be_apart_need_a_zone_each(build: Build) -> None:
    pool = Pool("l4", 9, SMALL.machine, zones=("a", "b", "c"))
    asked = [_ask(build, 3, affinity=APART)]
    assert needed(_view(build), asked, Growth(pools=(pool,))) == (Coming("l4", 3),)


def test_a_zone_that_is_asked_for_is_where_nodes_have_to_come(build: Build) -> None:
    pool = Pool("l4", 9, SMALL.machine, zones=("a", "b", "c"))
    asked = [_ask(build, 4, nodeSelector={ZONE: "b"})]
    assert needed(_view(build), asked, Growth(pools=(pool,))) == (Coming("l4", 2, zone="b"),)


def test_what_is_not_known_of_a_pool(build: Build) -> None:
    zoned = [_ask(build, 1, nodeSelector={ZONE: "b"})]
    assert vague(_view(build), zoned, Growth(pools=(SMALL,))) == "the zones of pool l4 are not said"
    assert vague(_view(build), [_ask(build, 1)], Growth(pools=(SMALL,))) == ""
    (found,) = outlooks(_view(build), zoned, grows=Growth(pools=(SMALL,)), types={})
    assert found.prospect is UNKNOWN


def test_quotas_do_not_grow_with_nodes(build: Build) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {f"requests.{GPU}": "2"}}}
    view = View(rooms([build.node("n")], []), quotas=[quota])
    (found,) = outlooks(view, [_ask(build, 3)], grows=Growth(unknown=True), types={})
    assert (found.prospect, found.final) == (NEVER, "")
    assert found.reasons == (f"ResourceQuota/q has 2 of 2 requests.{GPU} left, and 3 are asked",)
