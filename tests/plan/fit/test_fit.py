from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.nodes import rooms

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
FITS, NOT, UNKNOWN = Verdict.FITS, Verdict.NOT, Verdict.UNKNOWN
WORKER = {"cpu": "2", GPU: "1"}


def _ask(build: Build, role: str, count: int, requests: dict[str, str]) -> Ask:
    return Ask("cnn", Key("kubeflow.org", "TFJob", "ml", "cnn"), role, count, build.pod(requests=requests))


def _l4(build: Build, count: int, cpu: str = "8") -> list[dict[str, Any]]:
    return [build.node(f"l4-{n}", allocatable={GPU: "2", "cpu": cpu}) for n in range(count)]


@pytest.mark.parametrize(
    ("cpu", "asked", "verdicts"),
    [
        ("8", [("worker", 6, WORKER)], [FITS]),
        ("8", [("worker", 7, WORKER)], [NOT]),
        ("8", [("worker", 0, WORKER)], []),
        # The chief may take CPU that no worker needs.
        ("8", [("worker", 6, WORKER), ("chief", 1, {"cpu": "1"})], [FITS, FITS]),
        # On any of the nodes the chief is in a worker's way.
        ("4", [("worker", 6, WORKER), ("chief", 1, {"cpu": "1"})], [NOT, NOT]),
        ("4", [("worker", 5, WORKER), ("chief", 1, {"cpu": "1"})], [FITS, FITS]),
        # Two of them are in the way of one worker on one node, of two on two: it depends on where they go.
        ("4", [("worker", 5, WORKER), ("ps", 2, {"cpu": "1"})], [UNKNOWN, FITS]),
        ("4", [("worker", 4, WORKER), ("ps", 2, {"cpu": "1"})], [FITS, FITS]),
        ("8", [("worker", 4, WORKER), ("other", 3, {GPU: "1"})], [NOT, NOT]),
    ],
)
def test_three_nodes_of_two_gpus(
    build: Build, cpu: str, asked: list[tuple[str, int, dict[str, str]]], verdicts: list[Verdict]
) -> None:
    there = rooms(_l4(build, 3, cpu), [])
    assert [each.verdict for each in fit(there, [_ask(build, *one) for one in asked])] == verdicts


def test_how_many_are_missing(build: Build) -> None:
    (found,) = fit(rooms(_l4(build, 3), [build.pod("l4-0", requests={GPU: "1"})]), [_ask(build, "worker", 8, WORKER)])
    assert (found.room.high, found.missing, found.worst) == (5, 3, 5)
    assert [one.count for one in found.found] == [1, 2, 2]


def test_many_helpers_are_bounded_without_search(build: Build) -> None:
    there = rooms(_l4(build, 100, "4"), [])
    helpers = [_ask(build, f"role-{n}", 9, {"cpu": "1"}) for n in range(4)]
    found = fit(there, [_ask(build, "worker", 100, WORKER), *helpers])
    assert found[0].verdict is FITS
    assert found[0].worst == 200 - 36
