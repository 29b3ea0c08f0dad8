from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.quota import Claimant, covers, freed, refusals

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"
LATER = "DuringSchedulingIgnoredDuringExecution"
WEIGHTED = {"weight": 1, "podAffinityTerm": {"namespaces": ["other"], "topologyKey": "zone"}}


def _quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used or {}}}


def _told(
    quota: Mapping[str, Any], *pods: tuple[str, dict[str, Any], int], objects: dict[str, int] | None = None
) -> Any:
    found = refusals([quota], [Claimant(name, pod, count, objects or {}) for name, pod, count in pods])
    return ["; ".join(why) for why in found]


@pytest.mark.parametrize(
    ("hard", "used", "most"),
    [
        ({"requests.nvidia.com/gpu": "8"}, {"requests.nvidia.com/gpu": "3"}, 2),
        ({"cpu": "10"}, {"cpu": "9"}, 0),
        ({"requests.cpu": "10"}, {}, 5),
        ({"limits.memory": "4Gi"}, {}, 4),
        ({"requests.ephemeral-storage": "3Gi"}, {}, 3),
        ({"requests.hugepages-2Mi": "4Mi"}, {}, 2),
        ({"hugepages-2Mi": "4Mi"}, {}, 2),
        ({"pods": "3"}, {"pods": "3"}, 0),
        ({"count/pods": "3"}, {"count/pods": "1"}, 2),
        # What the API server does not count, nobody refuses.
        ({"services": "0"}, {}, 9),
        ({"limits.nvidia.com/gpu": "1"}, {}, 9),
        ({"nvidia.com/gpu": "1"}, {}, 9),
    ],
)
def test_how_many_pods_a_quota_lets_in(build: Build, hard: dict[str, str], used: dict[str, str], most: int) -> None:
    pod = build.pod()
    sizes = {"memory": "1Gi", GPU: "2", "hugepages-2Mi": "2Mi", "ephemeral-storage": "1Gi"}
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "2", **sizes}, "limits": sizes}
    let_in = [count for count in range(1, 10) if _told(_quota(hard, used), ("cnn", pod, count)) == [""]]
    assert let_in == list(range(1, most + 1))


def test_each_component_is_told_what_concerns_it(build: Build) -> None:
    """F21: of two components only the one without a CPU limit is refused."""
    limited, bare = build.pod(), build.pod()
    limited["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "2"}
    quota = _quota({"limits.cpu": "4"})
    silent = "ResourceQuota/q wants a cpu limit of container main"
    assert _told(quota, ("cnn", limited, 2), ("hub", bare, 1)) == ["", silent]
    both = _told(quota, ("cnn", limited, 2), ("hub", bare, 1), ("dnn", limited, 1))
    over = "ResourceQuota/q has 4 of 4 limits.cpu left, and 6 are asked: cnn 4, dnn 2"
    assert both == [over, silent, over]


def test_who_takes_nothing_of_it_is_let_in(build: Build) -> None:
    gpus, plain = build.pod(requests={GPU: "2"}), build.pod()
    told = "ResourceQuota/q has 1 of 1 requests.nvidia.com/gpu left, and 2 are asked"
    assert _told(_quota({"requests.nvidia.com/gpu": "1"}), ("cnn", gpus, 1), ("hub", plain, 3)) == [told, ""]


def test_objects_count_where_a_quota_has_no_scope(build: Build) -> None:
    told = "ResourceQuota/q has 0 of 0 count/jobs.batch left, and 1 is asked"
    asked, objects = ("cnn", build.pod(), 1), {"count/jobs.batch": 1}
    assert _told(_quota({"count/jobs.batch": "0"}), asked, objects=objects) == [told]
    assert _told(_quota({"count/jobs.batch": "0"}, scopes=["BestEffort"]), asked, objects=objects) == [""]


def test_what_is_replaced_makes_room(build: Build) -> None:
    quota = _quota({"cpu": "2", "pods": "3", "services": "1"}, {"cpu": "1500m", "pods": "2", "services": "1"})
    left = freed(quota, [build.pod()], {"services": 1})
    assert left["status"]["used"] == {"cpu": "500m", "pods": 1, "services": 0}
    assert _told(left, ("cnn", build.pod(), 1), objects={"services": 1}) == [""]


@pytest.mark.parametrize(
    ("scope", "spec", "counts"),
    [
        ({"scopes": ["Terminating"]}, {}, False),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["NotTerminating"]}, {}, True),
        ({"scopes": ["BestEffort"]}, {"requests": {}}, True),
        ({"scopes": ["BestEffort"]}, {}, False),
        ({"scopes": ["NotBestEffort"]}, {}, True),
        # F14: devices are no part of a pod's QoS class, nor is what is asked as 0.
        ({"scopes": ["BestEffort"]}, {"requests": {GPU: "1"}}, True),
        ({"scopes": ["BestEffort"]}, {"requests": {"ephemeral-storage": "1Gi"}}, True),
        ({"scopes": ["NotBestEffort"]}, {"requests": {GPU: "1"}}, False),
        ({"scopes": ["BestEffort"]}, {"requests": {"cpu": "0"}}, True),
        ({"scopes": ["NotBestEffort"]}, {"requests": {}, "resources": {"limits": {"memory": "1Gi"}}}, True),
        ({"scopes": ["PriorityClass"]}, {}, False),
        ({"scopes": ["PriorityClass"]}, {"priorityClassName": "high"}, True),
        (
            {"scopes": ["CrossNamespacePodAffinity"]},
            {"affinity": {"podAffinity": {"preferred" + LATER: [WEIGHTED]}}},
            True,
        ),
        ({"scopes": ["CrossNamespacePodAffinity"]}, {}, False),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "NotBestEffort", "operator": "Exists"}]}}, {}, True),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "In", "values": ["high"]}]
                }
            },
            {"priorityClassName": "high"},
            True,
        ),
        (
            {
                "scopeSelector": {
                    "matchExpressions": [{"scopeName": "PriorityClass", "operator": "NotIn", "values": ["high"]}]
                }
            },
            {"priorityClassName": "high"},
            False,
        ),
        (
            {"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "DoesNotExist"}]}},
            {},
            True,
        ),
        ({"scopeSelector": {"matchExpressions": [{"scopeName": "PriorityClass", "operator": "Exists"}]}}, {}, False),
    ],
)
def test_scopes(build: Build, scope: dict[str, Any], spec: dict[str, Any], counts: bool) -> None:
    assert covers(_quota({"pods": "1"}, **scope), build.pod(**spec)) is counts


@pytest.mark.parametrize(
    ("hard", "said"),
    [
        ({"requests.cpu": "4"}, ""),
        ({"limits.cpu": "4"}, "ResourceQuota/q wants a cpu limit of container main"),
        ({"memory": "4Gi"}, "ResourceQuota/q wants a memory request of container main"),
        ({"requests.nvidia.com/gpu": "4"}, ""),
    ],
)
def test_what_a_container_must_say(build: Build, hard: dict[str, str], said: str) -> None:
    assert _told(_quota(hard), ("cnn", build.pod(), 1)) == [said]


def test_a_pod_may_say_it_for_its_containers(build: Build) -> None:
    pod = build.pod(resources={"requests": {"memory": "1Gi"}})
    assert _told(_quota({"memory": "4Gi", "limits.cpu": "4"}), ("cnn", pod, 1)) == [""]
