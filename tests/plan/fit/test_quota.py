from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.quota import Allowed, allowed, covers, exceeded

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"


def _quota(hard: dict[str, str], used: dict[str, str] | None = None, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}, "status": {"hard": hard, "used": used or {}}}


@pytest.mark.parametrize(
    ("hard", "used", "expected"),
    [
        ({"requests.nvidia.com/gpu": "8"}, {"requests.nvidia.com/gpu": "3"}, (2, "requests.nvidia.com/gpu", 5, 8)),
        ({"cpu": "10"}, {"cpu": "9"}, (0, "cpu", 1000, 10000)),
        ({"requests.cpu": "10"}, {}, (5, "requests.cpu", 10000, 10000)),
        ({"limits.nvidia.com/gpu": "1"}, {}, (0, "limits.nvidia.com/gpu", 1, 1)),
        ({"pods": "3"}, {"pods": "3"}, (0, "pods", 0, 3)),
        ({"count/pods": "3"}, {"count/pods": "1"}, (2, "count/pods", 2, 3)),
        ({"services": "0"}, {}, None),
    ],
)
def test_what_a_quota_lets_in(
    build: Build, hard: dict[str, str], used: dict[str, str], expected: tuple[int, str, int, int] | None
) -> None:
    pod = build.pod()
    pod["spec"]["containers"][0]["resources"] = {"requests": {"cpu": "2", GPU: "2"}, "limits": {GPU: "2"}}
    assert allowed([_quota(hard, used)], pod) == (Allowed("q", *expected) if expected else None)


@pytest.mark.parametrize(
    ("scope", "spec", "counts"),
    [
        ({"scopes": ["Terminating"]}, {}, False),
        ({"scopes": ["Terminating"]}, {"activeDeadlineSeconds": 5}, True),
        ({"scopes": ["NotTerminating"]}, {}, True),
        ({"scopes": ["BestEffort"]}, {"requests": {}}, True),
        ({"scopes": ["BestEffort"]}, {}, False),
        ({"scopes": ["NotBestEffort"]}, {}, True),
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
    quota = {"metadata": {"name": "q"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": {}}}
    assert exceeded(quota, [(build.pod(), 1)]) == said


def test_a_pod_may_say_it_for_its_containers(build: Build) -> None:
    quota = {"metadata": {"name": "q"}, "spec": {"hard": {"memory": "4Gi"}}}
    assert exceeded(quota, [(build.pod(resources={"requests": {"memory": "1Gi"}}), 1)]) == ""
