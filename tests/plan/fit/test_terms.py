"""Which pods affinity terms are about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.domains import Range, placed, usable
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.slots import slots
from mlstack.plan.fit.terms import REQUIRED, meets, meets_all

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

HOST, ZONE = "kubernetes.io/hostname", "zone"


def _term(app: str, key: str = ZONE, **rest: Any) -> dict[str, Any]:
    return {"labelSelector": {"matchLabels": {"app": app}}, "topologyKey": key, **rest}


@pytest.mark.parametrize(
    ("rest", "tenants"),
    [
        ({}, "abn"),
        ({"matchLabelKeys": ["tenant"]}, "a"),
        ({"mismatchLabelKeys": ["tenant"]}, "bn"),
        ({"matchLabelKeys": ["gone"], "mismatchLabelKeys": ["gone"]}, "abn"),
        ({"matchLabelKeys": ["tenant"], "labelSelector": None}, ""),
    ],
)
def test_keys_of_the_pods_own_labels(build: Build, rest: dict[str, Any], tenants: str) -> None:
    own = build.pod(labels={"app": "job", "tenant": "a"})
    others = {"a": {"tenant": "a"}, "b": {"tenant": "b"}, "n": {}}
    term = _term("job", **rest)
    met = [name for name, labels in others.items() if meets(term, own, build.pod(labels={"app": "job", **labels}))]
    assert "".join(met) == tenants
    assert meets_all([term, term], own, own) is ("a" in tenants)


WEB, DB = _term("web", HOST), _term("db", ZONE)
# What is in zone a on host a1, and how many pods that want both beside them find a place (2 nodes of 8 CPUs).
BESIDE: list[tuple[str, list[dict[str, str]], list[dict[str, Any]], Range]] = [
    ("one pod meets both terms", [{"app": "web", "tier": "x"}], [WEB, _term("web", ZONE)], Range(7, 7)),
    ("two pods meet one each", [{"app": "web"}, {"app": "db"}], [WEB, DB], Range(0, 0)),
    ("the first of its kind", [], [_term("job", HOST), _term("job", ZONE)], Range(8, 8, "affinity")),
    ("not the first by both", [], [_term("job", HOST), DB], Range(0, 0)),
    ("one term is met by another", [{"app": "db"}], [_term("job", HOST), DB], Range(0, 0)),
]


@pytest.mark.parametrize(("there", "terms", "expected"), [row[1:] for row in BESIDE], ids=[row[0] for row in BESIDE])
def test_one_pod_has_to_meet_all_terms(
    build: Build, there: list[dict[str, str]], terms: list[dict[str, Any]], expected: Range
) -> None:
    nodes = [build.node("a1", {ZONE: "a"}), build.node("a2", {ZONE: "a"})]
    pod = build.pod(labels={"app": "job"}, affinity={"podAffinity": {REQUIRED: terms}})
    known = rooms(nodes, [build.pod("a1", labels) for labels in there])
    found = placed(usable([slots(room, pod) for room in known], pod), pod)
    assert found == expected


def test_apart_from_other_tenants_only(build: Build) -> None:
    """A rule that does not keep pods apart from each other lets many on one node."""
    rule = _term("job", HOST, mismatchLabelKeys=["tenant"])
    pod = build.pod(labels={"app": "job", "tenant": "a"}, affinity={"podAntiAffinity": {REQUIRED: [rule]}})
    known = rooms([build.node("n")], [])
    assert placed(usable([slots(room, pod) for room in known], pod), pod) == Range(8, 8)
