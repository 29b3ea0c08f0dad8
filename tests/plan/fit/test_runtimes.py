from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mlstack.plan.fit.requests import pod_requests
from mlstack.plan.fit.runtimes import missing_runtime, with_runtime

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

CLASS: dict[str, Any] = {
    "overhead": {"podFixed": {"cpu": "250m"}},
    "scheduling": {"nodeSelector": {"kata": "yes"}, "tolerations": [{"key": "kata", "operator": "Exists"}]},
}


def test_what_a_runtime_class_adds(build: Build) -> None:
    pod = build.pod(runtimeClassName="kata", nodeSelector={"disk": "ssd"}, tolerations=[{"key": "a"}])
    found = with_runtime(pod, {"kata": CLASS})
    assert pod_requests(found) == {"cpu": 1250}
    assert found["spec"]["nodeSelector"] == {"disk": "ssd", "kata": "yes"}
    assert [one["key"] for one in found["spec"]["tolerations"]] == ["a", "kata"]
    assert pod["spec"]["nodeSelector"] == {"disk": "ssd"}


def test_a_class_that_adds_nothing_and_none_at_all(build: Build) -> None:
    pod = build.pod(runtimeClassName="nvidia")
    assert pod_requests(with_runtime(pod, {"nvidia": {"handler": "nvidia"}})) == {"cpu": 1000}
    assert with_runtime(pod, None) is pod
    assert with_runtime(build.pod(), {"nvidia": CLASS})["spec"] == build.pod()["spec"]


def test_a_class_that_is_not_there(build: Build) -> None:
    pod = build.pod(runtimeClassName="kata")
    assert missing_runtime(pod, {}) == "RuntimeClass kata is not there"
    assert missing_runtime(pod, {"kata": CLASS}) == ""
    assert missing_runtime(pod, None) == ""
    assert missing_runtime(build.pod(), {}) == ""
