"""Who holds which devices, and where a job may go; equal nodes are one row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.picture import MOST, Part, Picture, Use, picture
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
L4 = {"cloud.google.com/gke-accelerator": "nvidia-l4"}
OTHER = ("ml", "other")


def shown(
    build: Build, nodes: list[dict[str, Any]], pods: list[dict[str, Any]], count: int, each: str = "1"
) -> Picture:
    ask = Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", count, build.pod(requests={GPU: each}))
    models = {node["metadata"]["name"]: "l4" for node in nodes}
    found = picture(fit(View(rooms(nodes, pods)), [ask]), GPU, models)
    assert found is not None
    return found


def node(build: Build, name: str, gpus: int = 2, **spec: Any) -> dict[str, Any]:
    return build.node(name, L4, allocatable={GPU: str(gpus)}, **spec)


def held(build: Build, name: str, gpus: int, by: str = "other") -> dict[str, Any]:
    return build.pod(name, {"training.kubeflow.org/job-name": by}, requests={GPU: str(gpus)})


def test_who_holds_what_and_where_it_may_go(build: Build) -> None:
    nodes = [node(build, "a", 4), node(build, "b", 4), node(build, "shut", unschedulable=True), node(build, "new", 0)]
    found = shown(build, nodes, [held(build, "a", 3)], 4)
    assert [(group.names, group.parts) for group in found.groups] == [
        (("a",), (Part(Use.HELD, 3, OTHER), Part(Use.TAKEN, 1))),
        (("b",), (Part(Use.TAKEN, 3), Part(Use.FREE, 1))),
        (("new",), ()),
        (("shut",), (Part(Use.CLOSED, 2),)),
    ]
    assert [group.ready for group in found.groups] == [True, True, False, True]
    assert (found.placed, found.asked, found.holders) == (4, 4, ((OTHER, 3),))
    assert {use: found.count(use) for use in Use} == {Use.HELD: 3, Use.TAKEN: 4, Use.FREE: 1, Use.CLOSED: 2}


def test_what_does_not_fit_is_placed_as_far_as_it_goes(build: Build) -> None:
    found = shown(build, [node(build, "a"), node(build, "b", 1)], [], 3, each="2")
    assert (found.placed, found.asked) == (1, 3)
    assert [group.parts for group in found.groups] == [(Part(Use.TAKEN, 2),), (Part(Use.FREE, 1),)]


def test_equal_nodes_are_one_row_in_the_order_of_their_numbers(build: Build) -> None:
    nodes = [node(build, f"pool-{number}") for number in (10, 9, 1)]
    (group,) = shown(build, nodes, [], 6).groups
    assert (group.names, group.title) == (("pool-1", "pool-9", "pool-10"), "pool-1 … pool-10 (3 nodes)")
    assert group.count(Use.TAKEN) == 6


def test_hundreds_of_nodes_stay_a_screen(build: Build) -> None:
    """First without the holders' names; where nodes still differ too much, by what they have together."""
    nodes = [node(build, f"pool-{number}", 8) for number in range(200)]
    by_many = [held(build, f"pool-{number}", 2, f"train-{number}") for number in range(200)]
    (group,) = shown(build, nodes, by_many, 200).groups
    assert group.parts == (Part(Use.HELD, 2), Part(Use.TAKEN, 1), Part(Use.FREE, 5))
    assert not group.summed

    sizes = [node(build, f"pool-{number}", 64) for number in range(200)]
    differing = [held(build, f"pool-{number}", number % 60 + 1) for number in range(200)]
    found = shown(build, sizes, differing, 1)
    assert len(found.groups) <= MOST
    assert found.groups[0].summed
    assert found.count(Use.HELD) == sum(number % 60 + 1 for number in range(200))
    assert sum(found.count(use) for use in Use) == 200 * 64


def test_without_accelerators_there_is_no_picture(build: Build) -> None:
    ask = Ask("cnn", Key("", "TFJob", "ml", "cnn"), "worker", 1, build.pod())
    assert picture(fit(View(rooms([build.node("a")], [])), [ask]), GPU, {}) is None


def test_pods_of_two_kinds_are_all_drawn(build: Build) -> None:
    """A node that the first kind has filled is passed over: the second goes to another one."""
    owner = Key("", "TFJob", "ml", "cnn")
    chief = Ask("cnn", owner, "chief", 1, build.pod(requests={GPU: "2"}))
    worker = Ask("cnn", owner, "worker", 1, build.pod(requests={GPU: "2", "cpu": "2"}))
    found = picture(fit(View(rooms([node(build, "a"), node(build, "b")], [])), [chief, worker]), GPU, {})
    assert found is not None
    assert (found.placed, found.asked, found.count(Use.TAKEN)) == (2, 2, 4)
