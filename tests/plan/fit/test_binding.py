"""Volumes that are still to be found or made: how many pods a cluster takes then."""

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

ZONE, HOST = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
FITS, NOT, UNKNOWN = Verdict.FITS, Verdict.NOT, Verdict.UNKNOWN
LATE = {"volumeBindingMode": "WaitForFirstConsumer"}
CLASSES = by_name(
    [
        {"metadata": {"name": "local"}, "provisioner": "kubernetes.io/no-provisioner", **LATE},
        {"metadata": {"name": "now"}, "provisioner": "kubernetes.io/no-provisioner"},
        {"metadata": {"name": "disk"}, "provisioner": "pd.csi.storage.gke.io", **LATE},
        {"metadata": {"name": "nfs"}, "provisioner": "nfs.csi.k8s.io", **LATE},
        {"metadata": {"name": "odd"}, "provisioner": "example.com/odd", **LATE},
        {
            "metadata": {"name": "zone-b"},
            "provisioner": "pd.csi.storage.gke.io",
            "allowedTopologies": [{"matchLabelExpressions": [{"key": ZONE, "values": ["b"]}]}],
            **LATE,
        },
    ]
)


def _claim(storage_class: str = "local", size: str = "5Gi", **spec: Any) -> dict[str, Any]:
    whole = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "resources": {"requests": {"storage": size}},
        **spec,
    }
    return {"metadata": {"name": "data", "namespace": "ml"}, "spec": whole, "status": {"phase": "Pending"}}


def _volume(name: str, host: str = "", size: str = "10Gi", zone: str = "", **spec: Any) -> dict[str, Any]:
    key, value = (ZONE, zone) if zone else (HOST, host)
    term = {"matchExpressions": [{"key": key, "operator": "In", "values": [value]}]}
    whole = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "local",
        "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
        **spec,
    }
    return {"metadata": {"name": name}, "spec": whole, "status": {"phase": "Available"}}


# Claim, volumes, pods asked; what comes of it on a1 (8 CPUs), a2 (1 CPU) in zone a and b1 (8 CPUs) in zone b.
SHARED: list[tuple[str, dict[str, Any], list[dict[str, Any]], int, Verdict, int]] = [
    ("too small", _claim(), [_volume("v", "a1", "1Gi")], 1, NOT, 0),
    ("large enough", _claim(), [_volume("v", "a1")], 8, FITS, 8),
    ("its node is too small", _claim(), [_volume("v", "a2")], 2, NOT, 1),
    ("the other node's fits", _claim(), [_volume("v", "a2"), _volume("w", "b1")], 1, FITS, 8),
    ("the first pod decides", _claim(), [_volume("v", "a2"), _volume("w", "b1")], 2, UNKNOWN, 8),
    ("of another class", _claim(), [_volume("v", "a1", storageClassName="x")], 1, NOT, 0),
    ("of another mode", _claim(volumeMode="Block"), [_volume("v", "a1")], 1, NOT, 0),
    ("for one writer only", _claim(accessModes=["ReadWriteMany"]), [_volume("v", "a1")], 1, NOT, 0),
    ("not selected", _claim(selector={"matchLabels": {"a": "b"}}), [_volume("v", "a1")], 1, NOT, 0),
    ("reserved for it", _claim(), [_volume("v", "a1", claimRef={"namespace": "ml", "name": "data"})], 1, FITS, 8),
    ("reserved", _claim(), [_volume("v", "a1", claimRef={"namespace": "x", "name": "data"})], 1, NOT, 0),
    ("bound at once", _claim("now"), [], 1, NOT, 17),
    ("made in a zone", _claim("disk"), [], 8, FITS, 9),
    ("made in a zone that is too small", _claim("disk"), [], 10, NOT, 9),
    ("made in the larger zone or not", _claim("disk"), [], 9, UNKNOWN, 9),
    ("made for the class's zone", _claim("zone-b"), [], 9, NOT, 8),
    ("made for all", _claim("nfs"), [], 17, FITS, 17),
    ("nobody knows how far it reaches", _claim("odd"), [], 2, UNKNOWN, 17),
    ("one pod may have it anywhere", _claim("odd"), [], 1, FITS, 17),
]


def _view(build: Build, storage: Storage) -> View:
    small = {"allocatable": {"cpu": "1"}}
    nodes = [build.node("a1", {ZONE: "a"}), build.node("a2", {ZONE: "a"}, **small), build.node("b1", {ZONE: "b"})]
    return View(rooms(nodes, []), storage=storage)


@pytest.mark.parametrize(
    ("claim", "volumes", "count", "verdict", "high"), [r[1:] for r in SHARED], ids=[r[0] for r in SHARED]
)
def test_a_claim_that_pods_share(
    build: Build, claim: dict[str, Any], volumes: list[dict[str, Any]], count: int, verdict: Verdict, high: int
) -> None:
    storage = Storage(by_name([claim]), by_name(volumes), CLASSES)
    pod = build.pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    (found,) = fit(_view(build, storage), [Ask("cnn", Key("", "Job", "ml", "cnn"), "", count, pod)])
    assert (found.verdict, found.room.high) == (verdict, high), found


# Class, volumes, pods: each has a claim of its own.
OWN: list[tuple[str, str, list[dict[str, Any]], int, Verdict, int]] = [
    ("a volume for each, on its node", "local", [_volume("v", "a1"), _volume("w", "b1")], 2, FITS, 2),
    ("a volume too few", "local", [_volume("v", "a1"), _volume("w", "a2")], 3, NOT, 2),
    ("volumes of one zone", "local", [_volume("v", zone="a"), _volume("w", zone="a")], 2, FITS, 2),
    (
        "volumes that reach some of each other's nodes",
        "local",
        [_volume("v", zone="a"), _volume("w", "a2")],
        2,
        UNKNOWN,
        2,
    ),
    ("made", "disk", [], 17, FITS, 17),
    ("made in one zone", "zone-b", [], 9, NOT, 8),
    ("made before the node is known", "later", [], 1, UNKNOWN, 17),
]


@pytest.mark.parametrize(("name", "volumes", "count", "verdict", "high"), [r[1:] for r in OWN], ids=[r[0] for r in OWN])
def test_a_claim_for_each_pod(
    build: Build, name: str, volumes: list[dict[str, Any]], count: int, verdict: Verdict, high: int
) -> None:
    classes = CLASSES | {"later": {"metadata": {"name": "later"}, "provisioner": "example.com/odd"}}
    pod = build.pod(volumes=[{"name": "data", "ephemeral": {"volumeClaimTemplate": _claim(name)}}])
    storage = Storage({}, by_name(volumes), classes)
    (found,) = fit(_view(build, storage), [Ask("db", Key("apps", "StatefulSet", "ml", "db"), "", count, pod)])
    assert (found.verdict, found.room.high) == (verdict, high), found


def test_claims_that_are_there_from_before_are_looked_at_one_by_one(build: Build) -> None:
    bound = {**_claim("disk", volumeName="v"), "status": {"phase": "Bound"}}
    claims = {"data-db-0": {**bound, "metadata": {"name": "data-db-0"}}}
    storage = Storage(claims, by_name([_volume("v", zone="b")]), CLASSES)
    pod = build.pod(volumes=[{"name": "data", "ephemeral": {"volumeClaimTemplate": _claim("disk")}}])
    found = fit(_view(build, storage), [Ask("db", Key("apps", "StatefulSet", "ml", "db"), "", 3, pod)])
    assert [(one.ask.count, one.room.high) for one in found] == [(1, 8), (2, 17)]


def test_kinds_of_pods_that_share_a_claim_depend_on_the_first(build: Build) -> None:
    storage = Storage(by_name([_claim("disk")]), {}, CLASSES)
    pod = build.pod(volumes=[{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}])
    asks = [Ask("cnn", Key("", "Job", "ml", "cnn"), role, 1, pod) for role in ("chief", "worker")]
    found = fit(_view(build, storage), asks)
    told = "the first pod decides where the volume of PersistentVolumeClaim/data is"
    assert [(one.verdict, one.told) for one in found] == [(UNKNOWN, told)] * 2
