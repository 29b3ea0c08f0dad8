from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.requests import add, amounts, pod_limits, pod_requests, told, whole

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build


@pytest.mark.parametrize(
    ("resource", "quantity", "number"),
    [
        ("cpu", "1", 1000),
        ("cpu", "250m", 250),
        ("cpu", "1.5", 1500),
        ("cpu", "100u", 1),
        ("memory", "1Gi", 2**30),
        ("memory", "1.5k", 1500),
        ("memory", "100m", 1),
        ("nvidia.com/gpu", "8", 8),
        ("nvidia.com/gpu", 8, 8),
        ("cpu", "", 0),
    ],
)
def test_quantities_are_rounded_up(resource: str, quantity: str | int, number: int) -> None:
    assert whole(resource, quantity) == number


def _c(requests: dict[str, str] | None = None, **rest: Any) -> dict[str, Any]:
    limits = rest.pop("limits", None)
    resources = {**({"requests": requests} if requests else {}), **({"limits": limits} if limits else {})}
    return {"name": "c", **({"resources": resources} if resources else {}), **rest}


PODS: list[tuple[str, dict[str, Any], dict[str, int]]] = [
    ("containers add up", {"containers": [_c({"cpu": "1"}), _c({"cpu": "500m"})]}, {"cpu": 1500}),
    ("a limit alone is the request", {"containers": [_c(limits={"cpu": "2"})]}, {"cpu": 2000}),
    ("a request wins over a limit", {"containers": [_c({"cpu": "1"}, limits={"cpu": "2"})]}, {"cpu": 1000}),
    ("nothing asked", {"containers": [_c()]}, {}),
    (
        "the largest init container counts",
        {"containers": [_c({"cpu": "1"})], "initContainers": [_c({"cpu": "3"}), _c({"cpu": "2"})]},
        {"cpu": 3000},
    ),
    (
        "sidecars add to the containers",
        {"containers": [_c({"cpu": "1"})], "initContainers": [_c({"cpu": "3"}, restartPolicy="Always")]},
        {"cpu": 4000},
    ),
    (
        "sidecars run beside later init containers",
        {
            "containers": [_c({"cpu": "1"}, limits={"nvidia.com/gpu": "2"})],
            "initContainers": [_c({"cpu": "3"}), _c({"cpu": "500m"}, restartPolicy="Always"), _c({"cpu": "4"})],
        },
        {"cpu": 4500, "nvidia.com/gpu": 2},
    ),
    (
        "overhead comes on top",
        {"containers": [_c({"cpu": "1"})], "overhead": {"cpu": "250m", "memory": "1Mi"}},
        {"cpu": 1250, "memory": 2**20},
    ),
    (
        "the pod's own request wins",
        {"containers": [_c({"cpu": "1"})], "resources": {"requests": {"cpu": "3", "nvidia.com/gpu": "9"}}},
        {"cpu": 3000},
    ),
    (
        "the pod's own limit counts where nothing is requested",
        {"containers": [_c({"cpu": "1"})], "resources": {"limits": {"cpu": "3", "memory": "1Ki"}}},
        {"cpu": 1000, "memory": 1024},
    ),
]


@pytest.mark.parametrize(("spec", "needs"), [row[1:] for row in PODS], ids=[row[0] for row in PODS])
def test_what_a_pod_needs(spec: dict[str, Any], needs: dict[str, int]) -> None:
    assert pod_requests({"spec": spec}) == needs


def test_a_pod_being_resized_counts_with_the_larger() -> None:
    status = {"containerStatuses": [{"name": "c", "allocatedResources": {"cpu": "2"}}]}
    assert pod_requests({"spec": {"containers": [_c({"cpu": "1"})]}, "status": status}) == {"cpu": 2000}


def test_sums() -> None:
    total = amounts({"cpu": "1"})
    add(total, {"cpu": 5, "pods": 1})
    assert total == {"cpu": 1005, "pods": 1}


@pytest.mark.parametrize(
    ("resource", "number", "text"),
    [
        ("cpu", 1500, "1.5"),
        ("memory", 2**33, "8Gi"),
        ("memory", 5 * 2**29, "2.5Gi"),
        ("memory", 1000, "1000"),
        ("memory", 3_000_000_000, "3G"),
        ("memory", 85 * 2**30 - 3_000_000_000, "82.20Gi"),
        ("memory", 500_000_000, "500M"),
        ("pods", 3, "3"),
    ],
)
def test_amounts_in_words(resource: str, number: int, text: str) -> None:
    assert told(resource, number) == text


def test_overhead_adds_to_limits_that_are_there(build: Build) -> None:
    pod = build.pod(requests={"cpu": "1", "memory": "1Gi"}, overhead={"cpu": "250m", "memory": "64Mi"})
    assert pod_limits(pod) == {}
    pod["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "2"}
    assert pod_limits(pod) == {"cpu": 2250}
    assert pod_requests(pod) == {"cpu": 1250, "memory": 2**30 + 2**26}
