from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage, by_name

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
        # One worker too many, but the chief has room whatever becomes of it.
        ("8", [("worker", 7, WORKER), ("chief", 1, {"cpu": "1"})], [NOT, FITS]),
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
    assert [each.verdict for each in fit(View(there), [_ask(build, *one) for one in asked])] == verdicts


def test_how_many_are_missing(build: Build) -> None:
    there = rooms(_l4(build, 3), [build.pod("l4-0", requests={GPU: "1"})])
    (found,) = fit(View(there), [_ask(build, "worker", 8, WORKER)])
    assert (found.room.high, found.missing, found.worst) == (5, 3, 5)
    assert [one.count for one in found.found] == [1, 2, 2]


def test_many_helpers_are_bounded_without_search(build: Build) -> None:
    there = rooms(_l4(build, 100, "4"), [])
    helpers = [_ask(build, f"role-{n}", 9, {"cpu": "1"}) for n in range(4)]
    found = fit(View(there), [_ask(build, "worker", 100, WORKER), *helpers])
    assert found[0].verdict is FITS
    assert found[0].worst == 200 - 36


def _quota(hard: dict[str, str], used: dict[str, str]) -> dict[str, Any]:
    return {"metadata": {"name": "q"}, "spec": {}, "status": {"hard": hard, "used": used}}


DEFAULT = {
    "metadata": {"name": "d", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "example.com/nfs",
}
BOUND: dict[str, Any] = {
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOncePod"], "volumeName": "pv"},
}
ONE_POD = {"accessModes": ["ReadWriteOncePod"]}
LATE = {"metadata": {"name": "late"}, "provisioner": "example.com/nfs", "volumeBindingMode": "WaitForFirstConsumer"}
VOLUME: dict[str, Any] = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}


@pytest.mark.parametrize(
    ("view", "pod", "verdict", "told"),
    [
        ({}, {}, FITS, ""),
        ({"nodes": None}, {}, UNKNOWN, "nodes may not be listed"),
        ({"partly": True}, {}, UNKNOWN, ""),
        ({}, {"schedulerName": "volcano"}, UNKNOWN, "scheduler volcano places it"),
        ({}, {"resourceClaims": [{"name": "gpu"}]}, UNKNOWN, "it claims devices by dynamic resource allocation"),
        ({}, {"schedulingGates": [{"name": "x"}]}, UNKNOWN, "scheduling gates hold it"),
        (
            {"quotas": [_quota({"requests.nvidia.com/gpu": "4"}, {"requests.nvidia.com/gpu": "3"})]},
            {},
            NOT,
            "ResourceQuota/q has 1 of 4 requests.nvidia.com/gpu left, and 2 are asked",
        ),
        ({"quotas": [_quota({"requests.nvidia.com/gpu": "4"}, {"requests.nvidia.com/gpu": "2"})]}, {}, FITS, ""),
        (
            {"ranges": [{"metadata": {"name": "lr"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}}]},
            {},
            NOT,
            "the pod asks more cpu than the 1 that LimitRange/lr allows",
        ),
        ({}, VOLUME, NOT, "it mounts PersistentVolumeClaim/data, which is not there"),
        (
            {"storage": Storage(classes={"d": DEFAULT}, coming={"data": {"metadata": {"name": "data"}}})},
            VOLUME,
            FITS,
            "",
        ),
        ({"storage": Storage(by_name([{**BOUND, "status": {"phase": "Bound"}}]))}, VOLUME, NOT, ""),
        (
            {"storage": Storage(by_name([{**BOUND, "status": {"phase": "Pending"}}]))},
            VOLUME,
            NOT,
            "it mounts PersistentVolumeClaim/data, which has no volume yet",
        ),
    ],
)
def test_what_is_not_about_nodes(
    build: Build, view: dict[str, Any], pod: dict[str, Any], verdict: Verdict, told: str
) -> None:
    ask = Ask("cnn", Key("", "Pod", "ml", "cnn"), "worker", 2, build.pod(requests=WORKER, **pod))
    (found,) = fit(View(**{"nodes": rooms(_l4(build, 3), []), **view}), [ask])
    assert (found.verdict, found.told) == (verdict, told)


@pytest.mark.parametrize(
    ("runtimes", "claims", "lacks"),
    [
        ({}, {"data": {**BOUND, "status": {"phase": "Bound"}}}, (("RuntimeClass", "", "gvisor"),)),
        ({"gvisor": {}}, {}, (("PersistentVolumeClaim", "ml", "data"),)),
        ({}, {}, (("RuntimeClass", "", "gvisor"), ("PersistentVolumeClaim", "ml", "data"))),
        (None, {}, (("PersistentVolumeClaim", "ml", "data"),)),
    ],
)
def test_the_objects_that_are_not_there(
    build: Build, runtimes: dict[str, Any] | None, claims: dict[str, Any], lacks: tuple[tuple[str, str, str], ...]
) -> None:
    pod = build.pod(requests=WORKER, **{**VOLUME, "runtimeClassName": "gvisor"})
    ask = Ask("cnn", Key("", "Pod", "ml", "cnn"), "worker", 2, pod)
    view = View(rooms(_l4(build, 3), []), storage=Storage(claims), runtimes=runtimes)
    (found,) = fit(view, [ask])
    assert found.lacks == lacks


def test_all_that_refuses_pods_is_told(build: Build) -> None:
    """In the order in which the API server would say it: one that is mended alone would show the next."""
    limits = {"metadata": {"name": "lr"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "1"}}]}}
    quotas = [_quota({"pods": "1", "requests.cpu": "3"}, {}), _quota({"count/pods": "0"}, {})]
    view = View(rooms(_l4(build, 3), []), quotas=quotas, ranges=[limits])
    (found,) = fit(view, [Ask("cnn", Key("", "Pod", "ml", "cnn"), "worker", 2, build.pod(requests=WORKER, **VOLUME))])
    assert (found.verdict, found.claim) == (NOT, False)
    assert [found.told, *found.more] == [
        "the pod asks more cpu than the 1 that LimitRange/lr allows",
        "ResourceQuota/q has 1 of 1 pods left, and 2 are asked",
        "ResourceQuota/q has 3 of 3 requests.cpu left, and 4 are asked",
        "ResourceQuota/q has 0 of 0 count/pods left, and 2 are asked",
        "it mounts PersistentVolumeClaim/data, which is not there",
    ]


@pytest.mark.parametrize(("count", "verdict"), [(1, FITS), (2, NOT)])
@pytest.mark.parametrize("phase", ["Bound", "Pending"])
def test_a_claim_for_one_pod(build: Build, count: int, verdict: Verdict, phase: str) -> None:
    """ReadWriteOncePod: one pod has it, whatever room there is, and another's pod keeps all off."""
    spec = (
        {**BOUND["spec"], "storageClassName": "late"} if phase == "Bound" else {**ONE_POD, "storageClassName": "late"}
    )
    claim = {"metadata": {"name": "data"}, "spec": spec, "status": {"phase": phase}}
    storage = Storage({"data": claim}, {"pv": {"metadata": {"name": "pv"}, "spec": {}}}, {"late": LATE})
    asked = [Ask("cnn", Key("", "Pod", "ml", "cnn"), "worker", count, build.pod(requests=WORKER, **VOLUME))]
    nodes = _l4(build, 3)
    (found,) = fit(View(rooms(nodes, []), storage=storage), asked)
    assert (found.verdict, found.room.high, found.room.why) == (verdict, 1, "claim")
    (found,) = fit(View(rooms(nodes, [build.pod("l4-0", **VOLUME)]), storage=storage), asked)
    assert (found.verdict, found.told) == (
        NOT,
        "it mounts PersistentVolumeClaim/data, which is ReadWriteOncePod and in use by p",
    )


def test_a_claim_for_one_pod_of_several_kinds_of_pods(build: Build) -> None:
    claim = {**BOUND, "status": {"phase": "Bound"}}
    storage = Storage({"data": claim}, {"pv": {"metadata": {"name": "pv"}, "spec": {}}})
    pods = [build.pod(requests=WORKER, **VOLUME), build.pod(requests={"cpu": "1"}, **VOLUME)]
    asked = [Ask("cnn", Key("", "Pod", "ml", "cnn"), f"r{at}", 1, pod) for at, pod in enumerate(pods)]
    found = fit(View(rooms(_l4(build, 3), []), storage=storage), asked)
    assert [one.verdict for one in found] == [NOT, NOT]
    assert found[0].crowd == "2 pods mount PersistentVolumeClaim/data, which one pod only can use (ReadWriteOncePod)"
