from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.plan.fit.limits import refusals, with_defaults
from mlstack.plan.fit.requests import pod_requests

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build


def _range(kind: str = "Container", **item: Any) -> dict[str, Any]:
    return {"metadata": {"name": "lr"}, "spec": {"limits": [{"type": kind, **item}]}}


@pytest.mark.parametrize(
    ("item", "resources", "needs"),
    [
        ({"defaultRequest": {"cpu": "500m"}}, {}, {"cpu": 500}),
        ({"default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}}, {}, {"cpu": 2000}),
        ({"defaultRequest": {"cpu": "500m"}}, {"requests": {"cpu": "1"}}, {"cpu": 1000}),
        ({"default": {"cpu": "4"}, "defaultRequest": {"cpu": "2"}}, {"limits": {"cpu": "1"}}, {"cpu": 1000}),
        ({"max": {"cpu": "1"}}, {}, {}),
    ],
)
def test_what_admission_fills_in(
    build: Build, item: dict[str, Any], resources: dict[str, Any], needs: dict[str, int]
) -> None:
    pod = build.pod()
    pod["spec"]["containers"][0]["resources"] = resources
    assert pod_requests(with_defaults(pod, [_range(**item)])) == needs
    assert pod["spec"]["containers"][0]["resources"] == resources


def test_nothing_to_fill_in_leaves_the_pod_as_it_is(build: Build) -> None:
    pod = build.pod()
    assert with_defaults(pod, [_range("Pod", max={"cpu": "1"})]) is pod


@pytest.mark.parametrize(
    ("kind", "item", "told"),
    [
        ("Container", {"max": {"cpu": "500m"}}, "container main asks more cpu than the 500m that LimitRange/lr allows"),
        ("Container", {"min": {"cpu": "2"}}, "container main asks less cpu than the 2 that LimitRange/lr demands"),
        ("Pod", {"max": {"cpu": "500m"}}, "the pod asks more cpu than the 500m that LimitRange/lr allows"),
        ("Pod", {"max": {"cpu": "5"}}, "the pod has no cpu limit, and LimitRange/lr demands one"),
        ("Pod", {"min": {"cpu": "1"}}, None),
        (
            "Pod",
            {"maxLimitRequestRatio": {"cpu": "2"}},
            "the pod's cpu limit is over 2 times its request, which LimitRange/lr forbids",
        ),
    ],
)
def test_what_admission_refuses(build: Build, kind: str, item: dict[str, Any], told: str | None) -> None:
    assert refusals(build.pod(), [_range(kind, **item)]) == ([told] if told else [])


@pytest.mark.parametrize(("limit", "refused"), [("2", False), ("3", True), (None, True)])
def test_how_far_a_limit_may_be_from_its_request(build: Build, limit: str | None, refused: bool) -> None:
    pod = build.pod()
    pod["spec"]["containers"][0]["resources"]["limits"] = {"cpu": limit} if limit else {}
    assert bool(refusals(pod, [_range(maxLimitRequestRatio={"cpu": "2"})])) is refused


def test_init_containers_are_bound_too(build: Build) -> None:
    small = {"name": "init", "resources": {"requests": {"cpu": "100m"}}}
    pod = build.pod(initContainers=[small], requests={"cpu": "1"})
    told = "container init asks less cpu than the 500m that LimitRange/lr demands"
    assert refusals(pod, [_range(min={"cpu": "500m"})]) == [told]


def test_a_runtime_classs_overhead_is_no_part_of_it(build: Build) -> None:
    pod = build.pod(requests={"cpu": "1"}, overhead={"cpu": "250m"})
    pod["spec"]["containers"][0]["resources"]["limits"] = {"cpu": "1"}
    assert refusals(pod, [_range("Pod", max={"cpu": "1"})]) == []
    assert refusals(pod, [_range("Pod", max={"cpu": "900m"})]) != []
