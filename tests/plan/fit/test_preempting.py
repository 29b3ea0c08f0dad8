from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outlook import Outlook, Prospect, outlooks
from mlstack.plan.fit.pools import NONE
from mlstack.plan.fit.preempting import told
from mlstack.plan.fit.priorities import Priorities
from mlstack.plan.fit.view import View
from mlstack.plan.fit.volumes import Storage

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"


def _outlook(
    build: Build, held: list[tuple[str, str, int]], count: int, storage: Storage | None = None, **spec: Any
) -> Outlook:
    """Two nodes of 4 GPUs; `held`: (node, GPUs, priority) of the pods there, named by their order."""
    nodes = [build.node(name, allocatable={GPU: "4", "cpu": "64"}) for name in ("a", "b")]
    there = [build.pod(node, requests={GPU: gpus}, priority=priority) for node, gpus, priority in held]
    for index, pod in enumerate(there):
        pod["metadata"] = {**pod["metadata"], "name": f"p{index}"}
    classes = Priorities({"high": {"value": 100}, "patient": {"value": 100, "preemptionPolicy": "Never"}})
    pod = build.pod(requests={GPU: "2"}, **spec)
    asked = [Ask("cnn", Key("", "Job", "ml", "cnn"), "worker", count, pod)]
    view = View(rooms(nodes, there), priorities=classes, storage=storage or Storage())
    (found,) = outlooks(view, asked, grows=NONE, types={})
    return found


HIGH: dict[str, Any] = {"priorityClassName": "high"}
FULL = [("a", "2", 0), ("a", "2", 50), ("b", "4", 10)]


@pytest.mark.parametrize(
    ("held", "count", "spec", "expected"),
    [
        (FULL, 1, {}, []),
        (FULL, 1, {"priorityClassName": "patient"}, []),
        (FULL, 1, HIGH, ["p0"]),
        (FULL, 2, HIGH, ["p0", "p2"]),
        (FULL, 4, HIGH, ["p0", "p2", "p1"]),
        ([("a", "4", 100), ("b", "4", 200)], 1, HIGH, []),
        ([("a", "4", -5), ("b", "4", 0)], 1, {}, ["p0"]),
        ([("a", "1", 1), ("a", "1", 1), ("a", "2", 9), ("b", "4", 500)], 1, HIGH, ["p1", "p0"]),
    ],
    ids=[
        "equal",
        "patient",
        "the lowest",
        "one more",
        "all",
        "none lower",
        "below the default",
        "two small ones",
    ],
)
def test_who_would_have_to_go(
    build: Build, held: list[tuple[str, str, int]], count: int, spec: dict[str, Any], expected: list[str]
) -> None:
    found = _outlook(build, held, count, **spec)
    assert found.prospect is Prospect.WAITS
    assert sorted(pod["metadata"]["name"] for pod in found.victims) == sorted(expected)
    assert any("preempting" in text for text in found.reasons) is bool(expected)


def test_what_does_not_help_is_not_told(build: Build) -> None:
    assert _outlook(build, FULL, 5, **HIGH).prospect is Prospect.NEVER
    half = [("a", "4", 100), ("b", "2", 0), ("b", "2", 100)]
    assert _outlook(build, half, 2, **HIGH).victims == ()


def test_how_it_is_told(build: Build) -> None:
    pods = [{"metadata": {"name": f"train-{n}", "namespace": "team-b"}, "spec": {}} for n in range(5)]
    assert told(pods[:1]) == "it would fit by preempting 1 pod of lower priority (team-b/train-0)"
    names = "team-b/train-0, team-b/train-1, team-b/train-2 and 2 more"
    assert told(pods) == f"it would fit by preempting 5 pods of lower priority ({names})"


@pytest.mark.parametrize(("host", "expected"), [("a", ["p0"]), ("b", ["p1"]), ("c", [])])
@pytest.mark.parametrize("late", [False, True], ids=["bound", "to be bound"])
def test_only_where_the_volumes_are(build: Build, host: str, expected: list[str], *, late: bool) -> None:
    """Pods that go make no way to a volume: bound already, or the only one that is there for a late claim."""
    match = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": [host]}]}
    spec = {"capacity": {"storage": "5Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": "late"}
    affinity = {"required": {"nodeSelectorTerms": [match]}}
    volume = {
        "metadata": {"name": "v"},
        "spec": {**spec, "nodeAffinity": affinity},
        "status": {"phase": "Available" if late else "Bound"},
    }
    wanted = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "late",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    claim = {"metadata": {"name": "data"}, "spec": wanted}
    if not late:
        claim |= {"spec": {**wanted, "volumeName": "v"}, "status": {"phase": "Bound"}}
    classes = {
        "late": {
            "metadata": {"name": "late"},
            "provisioner": "kubernetes.io/no-provisioner",
            "volumeBindingMode": "WaitForFirstConsumer",
        }
    }
    storage = Storage({"data": claim}, {"v": volume}, classes)
    mounts = {"volumes": [{"name": "d", "persistentVolumeClaim": {"claimName": "data"}}]}
    held = [("a", "4", 0), ("b", "4", 10)]
    found = _outlook(build, held, 1, storage, **HIGH, **mounts)
    assert [pod["metadata"]["name"] for pod in found.victims] == expected


def test_rules_across_nodes_are_left_alone(build: Build) -> None:
    """A pod that goes is none to be beside; where pods keep apart, the first of them keeps the next one off."""
    term = {"labelSelector": {"matchLabels": {"app": "db"}}, "topologyKey": "kubernetes.io/hostname"}
    required = "requiredDuringSchedulingIgnoredDuringExecution"
    assert _outlook(build, FULL, 1, **HIGH, affinity={"podAffinity": {required: [term]}}).victims == ()
    apart = {"podAntiAffinity": {required: [{**term, "labelSelector": {}}]}}
    assert _outlook(build, [("a", "2", 0), ("b", "4", 500)], 2, **HIGH, affinity=apart).victims == ()
