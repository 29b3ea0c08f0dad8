from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.domains import APART, SPREAD, TOGETHER, Range, as_strict, coupled, placed, rules_against, usable
from mlstack.plan.fit.nodes import Room, rooms
from mlstack.plan.fit.slots import slots

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
WEB = {"labelSelector": {"matchLabels": {"app": "web"}}, "topologyKey": "zone"}
JOB = {"labelSelector": {"matchLabels": {"app": "job"}}, "topologyKey": "zone"}


def _affinity(kind: str, *terms: dict[str, Any]) -> dict[str, Any]:
    return {"affinity": {kind: {REQUIRED: list(terms)}}}


def _spread(term: dict[str, Any], **rest: Any) -> dict[str, Any]:
    whole = {**term, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", **rest}
    return {"topologySpreadConstraints": [whole]}


def _placed(there: list[Room], pod: dict[str, Any]) -> Range:
    return placed(usable([slots(room, pod) for room in there], pod), pod)


# Zone a has two nodes of 8 CPUs, zone b one, and one node is in no zone. A pod `web` stands in zone a.
SCENES: list[tuple[str, dict[str, Any], Range]] = [
    ("no rule", {}, Range(31, 31)),
    ("apart from each other", _affinity("podAntiAffinity", JOB), Range(10, 10, APART)),
    ("apart from web", _affinity("podAntiAffinity", WEB), Range(16, 16)),
    ("beside web", _affinity("podAffinity", WEB), Range(15, 15)),
    ("beside each other", _affinity("podAffinity", JOB), Range(8, 15, TOGETHER)),
    (
        "beside nobody there",
        _affinity("podAffinity", {**JOB, "labelSelector": {"matchLabels": {"app": "x"}}}),
        Range(0, 0),
    ),
    ("in other namespaces", _affinity("podAntiAffinity", {**WEB, "namespaces": ["else"]}), Range(31, 31)),
    ("in all namespaces", _affinity("podAntiAffinity", {**WEB, "namespaceSelector": {}}), Range(16, 16)),
    ("spread", _spread(JOB), Range(17, 17, SPREAD)),
    ("spread, skew 3", _spread(JOB, maxSkew=3), Range(19, 19, SPREAD)),
    ("spread over more zones than there are", _spread(JOB, minDomains=3), Range(2, 2, SPREAD)),
    ("spread if possible", _spread(JOB, whenUnsatisfiable="ScheduleAnyway"), Range(31, 31)),
    ("as far as web goes", _spread(WEB), Range(23, 23)),
    (
        "two rules",
        {**_spread(JOB), **_affinity("podAntiAffinity", {**JOB, "topologyKey": "kubernetes.io/hostname"})},
        Range(0, 3, APART),
    ),
]


@pytest.mark.parametrize(("spec", "expected"), [row[1:] for row in SCENES], ids=[row[0] for row in SCENES])
def test_rules_across_nodes(build: Build, spec: dict[str, Any], expected: Range) -> None:
    nodes = [build.node(name, {"zone": zone}) for name, zone in (("a1", "a"), ("a2", "a"), ("b1", "b"))]
    there = rooms([*nodes, build.node("none")], [build.pod("a1", {"app": "web"})])
    pod = build.pod(labels={"app": "job"}, **spec)
    assert _placed(there, pod) == expected


def test_those_who_are_there_may_keep_others_off(build: Build) -> None:
    jealous = build.pod("a1", {"app": "web"}, **_affinity("podAntiAffinity", JOB))
    there = rooms([build.node("a1", {"zone": "a"}), build.node("b1", {"zone": "b"})], [jealous])
    pod = build.pod(labels={"app": "job"})
    assert [one.count for one in usable([slots(room, pod) for room in there], pod)] == [0, 8]


def test_a_full_zone_holds_the_others_back_also_if_the_pod_may_not_go_there(build: Build) -> None:
    closed = build.node("b1", {"zone": "b"}, taints=[{"key": "x", "effect": "NoSchedule"}])
    there = rooms([build.node("a1", {"zone": "a"}), closed], [])
    for policy, count in (("Ignore", 1), ("Honor", 8)):
        pod = build.pod(labels={"app": "job"}, **_spread(JOB, nodeTaintsPolicy=policy))
        assert _placed(there, pod).high == count


def test_label_keys_keep_generations_apart(build: Build) -> None:
    there = rooms([build.node("a1", {"zone": "a"}), build.node("b1", {"zone": "b"})], [])
    there[0].pods = [build.pod("a1", {"app": "job", "hash": "old"})] * 3
    for keys, count in ((["hash"], 16), ([], 14)):
        pod = build.pod(labels={"app": "job", "hash": "new"}, **_spread(JOB, matchLabelKeys=keys))
        assert _placed(there, pod).high == count


def test_rules_that_keep_a_node_closed_besides_others(build: Build) -> None:
    """Of a spread, too, where no node takes a pod that could bring the emptiest zone up."""
    there = rooms([build.node("a1", {"zone": "a"}), build.node("b1", {"zone": "b"})], [build.pod("a1", {"app": "job"})])
    pod = build.pod(labels={"app": "job"}, **_spread(JOB), **_affinity("podAffinity", WEB))
    assert rules_against(pod, there, first=True)({"zone": "a"}) == [TOGETHER, SPREAD]
    assert rules_against(pod, there, first=False)({"zone": "a"}) == [TOGETHER]
    assert rules_against(pod, there, first=True)({"zone": "b"}) == [TOGETHER]


def test_rules_that_allow_no_more_than_there_is_room_for(build: Build) -> None:
    there = rooms([build.node(name, {"zone": name}, allocatable={"cpu": "1"}) for name in ("a", "b")], [])
    for spec, rules in ((_affinity("podAntiAffinity", JOB), [APART]), (_spread(JOB, maxSkew=2), []), ({}, [])):
        pod = build.pod(labels={"app": "job"}, **spec)
        open_ = usable([slots(room, pod) for room in there], pod)
        assert placed(open_, pod) == Range(2, 2)
        assert as_strict(open_, pod, 2) == rules
        assert coupled(pod, there) is bool(spec)
