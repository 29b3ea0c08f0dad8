from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.errors import MlstackError
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.growing import Coming
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.pools import Growth, Pool
from mlstack.plan.fit.queues import Queues
from mlstack.plan.fit.scale import AsksAt, Size, check_scale, choose, most_workers, unsure_anyway, wanted_devices
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
BIG = {"cpu": "24", "memory": "90Gi"}
SHARED = {"cloud.google.com/gke-max-shared-clients-per-gpu": "4"}
L4 = {"allocatable": {**BIG, GPU: "2"}}
A100 = {"allocatable": {"cpu": "90", "memory": "600Gi", GPU: "8"}}


def _job(build: Build, cpu: int, memory: int, helpers: int, resource: str) -> AsksAt:
    """Workers with so much CPU and memory (GiB) per device, and helpers of 1 CPU each."""
    owner = Key("kubeflow.org", "TFJob", "ml", "cnn")

    def at(workers: int, each: int) -> Sequence[Ask]:
        parts = max(1, each)
        needs = {"cpu": str(cpu * parts), "memory": f"{memory * parts}Gi", **({resource: str(each)} if each else {})}
        worker = Ask("cnn", owner, "worker", workers, build.pod(requests=needs))
        return [worker, *([Ask("cnn", owner, "ps", helpers, build.pod())] if helpers else [])]

    return at


# nodes, GPUs taken by node, scale, CPU and GiB per device, helpers; what comes of it.
ROWS: list[tuple[str, list[dict[str, Any]], list[int], str, tuple[int, int, int], Size | None]] = [
    ("three nodes of two", [L4] * 3, [], "max", (2, 8, 0), Size(3, 2)),
    ("one GPU taken", [L4] * 3, [1], "max", (2, 8, 0), Size(5, 1)),
    ("four asked", [L4] * 3, [], "4", (2, 8, 0), Size(2, 2)),
    ("half of it", [L4] * 3, [], "50%", (2, 8, 0), Size(3, 1)),
    ("more than there is", [L4] * 3, [], "9", (2, 8, 0), Size(3, 2)),
    ("all taken", [L4] * 2, [2, 2], "max", (2, 8, 0), None),
    (
        "memory allows one",
        [{"allocatable": {"cpu": "32", "memory": "40Gi", GPU: "8"}}],
        [],
        "max",
        (2, 16, 0),
        Size(1, 2),
    ),
    ("time-shared", [{"labels": SHARED, "allocatable": {**BIG, GPU: "4"}}], [], "max", (2, 8, 0), Size(4, 1)),
    ("eight and two", [A100, L4], [], "max", (2, 8, 0), Size(5, 2)),
    ("servers beside them", [{"allocatable": {"cpu": "8", GPU: "4"}}], [], "max", (2, 4, 2), Size(3, 1)),
    ("three on a node", [{"allocatable": {**BIG, GPU: "3"}}], [], "max", (2, 8, 0), Size(1, 3)),
]


@pytest.mark.parametrize(
    ("nodes", "taken", "scale", "needs", "size"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_the_size_that_fits(
    build: Build,
    nodes: list[dict[str, Any]],
    taken: list[int],
    scale: str,
    needs: tuple[int, int, int],
    size: Size | None,
) -> None:
    made = [build.node(f"n{index}", **spec) for index, spec in enumerate(nodes)]
    pods = [build.pod(f"n{index}", requests={GPU: str(count)}) for index, count in enumerate(taken)]
    assert choose(View(rooms(made, pods)), _job(build, *needs, GPU), GPU, scale) == size


def test_a_share_in_a_queue_is_of_what_the_queue_lets_in(build: Build) -> None:
    """Eight GPUs are on the nodes, four in the quota."""
    version, group = {"apiVersion": "kueue.x-k8s.io/v1beta2"}, {"name": GPU, "nominalQuota": 4}
    flavors = [{"name": "any", "resources": [group]}]
    spec = {"namespaceSelector": {}, "resourceGroups": [{"coveredResources": [GPU], "flavors": flavors}]}
    queues = Queues(
        namespace={"metadata": {"name": "ml"}},
        local=[{**version, "metadata": {"name": "team", "namespace": "ml"}, "spec": {"clusterQueue": "all"}}],
        cluster=[{**version, "metadata": {"name": "all"}, "spec": spec}],
        flavors=[{**version, "metadata": {"name": "any"}, "spec": {}}],
        there=True,
    )
    view = View(rooms([build.node(f"n{n}", allocatable={GPU: "2"}) for n in range(4)], []), queues=queues)

    def asks_at(workers: int, each: int) -> list[Ask]:
        pod = build.pod(requests={GPU: str(each)})
        return [Ask("cnn", Key("batch", "Job", "ml", "cnn"), "worker", workers, pod, "team")]

    found = [choose(view, asks_at, GPU, scale) for scale in ("max", "50%", "100%", "8")]
    assert found == [Size(2, 2), Size(1, 2), Size(2, 2), Size(2, 2)]


def test_without_devices_one_worker_a_node(build: Build) -> None:
    made = [build.node("a"), build.node("b"), build.node("full", allocatable={"cpu": "1"})]
    assert choose(View(rooms(made, [])), _job(build, 2, 1, 0, GPU), "", "max") == Size(2, 0)


def test_what_a_scale_means() -> None:
    assert [wanted_devices(text, 6) for text in ("max", "4", "50%", "1%", "100%")] == [6, 4, 3, 1, 6]


def test_a_number_counts_on_pools_and_all_that_is_free_does_not(build: Build) -> None:
    there = View(rooms([build.node("n", allocatable={GPU: "2"})], []))
    pool = Pool("l4", 3, {"cpu": 8000, "memory": 2**35, GPU: 4, "pods": 110})

    def asks_at(workers: int, each: int) -> list[Ask]:
        pod = build.pod(requests={GPU: str(each), "cpu": "1"})
        return [Ask("cnn", Key("", "Job", "ml", "cnn"), "worker", workers, pod)]

    growth = Growth(pools=(pool,))
    assert choose(there, asks_at, GPU, "max", growth) == Size(1, 2)
    assert choose(there, asks_at, GPU, "2", growth) == Size(1, 2)
    assert choose(there, asks_at, GPU, "8", growth) == Size(2, 4, (Coming("l4", 2),))
    assert choose(there, asks_at, GPU, "8") == Size(1, 2)
    assert choose(there, asks_at, GPU, "40", growth) == Size(7, 2, (Coming("l4", 3),))


@pytest.mark.parametrize(("odd", "renders"), [(0, 4), (97, 30)])
def test_many_sizes_are_tried_and_few_are_asked_for(build: Build, odd: int, renders: int) -> None:
    """Where what many workers ask is not what few ask make foresee, each number is asked for."""
    there = View(rooms([build.node(f"n{n}", allocatable={GPU: "4", "cpu": "100"}) for n in range(100)], []))
    tried: list[int] = []

    def asks_at(workers: int, each: int) -> list[Ask]:
        tried.append(workers)
        cpu = "50" if odd and workers > odd else "1"
        pods = [("chief", 1, {"cpu": "1"}), ("worker", workers - 1, {"cpu": cpu, GPU: str(each)})]
        owner = Key("", "Job", "ml", "cnn")
        return [Ask("cnn", owner, role, count, build.pod(requests=asked)) for role, count, asked in pods]

    assert most_workers(there, asks_at, 1, 1000) == (200 if odd else 401)
    assert len(tried) <= renders


@pytest.mark.parametrize("scale", ["max", "1", "12", "1%", "99%", "100%"])
def test_a_scale(scale: str) -> None:
    check_scale(scale)


@pytest.mark.parametrize("scale", ["", "0", "-1", "1.5", "0%", "101%", "1000%", "Max", "7 GPUs", "１"])
def test_what_is_no_scale(scale: str) -> None:
    with pytest.raises(MlstackError, match="is not one of: max, a number of GPUs from 1 on, or a share"):
        check_scale(scale)


def test_jobs_that_are_tuned_side_by_side(build: Build) -> None:
    """F20: seven GPUs are free; other jobs may take both places of a worker with two, and five of one are left."""
    owner = Key("kubeflow.org", "TFJob", "ml", "x")
    view = View(rooms([build.node(f"n-{n}", allocatable={**BIG, GPU: "2" if n < 2 else "1"}) for n in range(5)], []))

    def at(name: str, others: dict[str, int]) -> AsksAt:
        beside = [Ask(other, owner, "", 1, build.pod(requests={GPU: str(each)})) for other, each in others.items()]
        return lambda workers, each: [
            Ask(name, owner, "", workers, build.pod(requests={GPU: str(each)})),
            *beside,
        ]

    large, small = at("large", {"b": 1, "c": 1}), at("b", {"large": 2, "c": 1})
    assert choose(view, large, GPU, "max", loose={"b", "c"}) == Size(5, 1)
    assert choose(view, small, GPU, "max", loose={"large", "c"}) == Size(4, 1)
    assert choose(view, small, GPU, "max") is None  # where each of them has to keep its places
    assert unsure_anyway(view, small(1, 1)) == {"large"}
