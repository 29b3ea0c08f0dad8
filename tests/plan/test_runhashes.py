from __future__ import annotations

from typing import Any

import pytest

from mlstack.plan.runhashes import full_hash, hashed, joined, meaning, question, same_run, stands_for

Fields = dict[str, Any]


def job(kind: str = "Job", api: str = "batch/v1", labels: Fields | None = None, **container: Any) -> Fields:
    template = {"metadata": {"labels": labels or {}}, "spec": {"containers": [{"name": "a", **container}]}}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "j"}, "spec": {"template": template}}


def limits(**amounts: Any) -> Fields:
    return {"resources": {"limits": amounts}}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (job(**limits(cpu="1000m")), job(**limits(cpu="1")), True),
        (job(**limits(cpu="1000m")), job(**limits(cpu=1)), True),
        (job(**limits(memory="1Gi")), job(**limits(memory="1024Mi")), True),
        (job(**limits(cpu="1")), job(**limits(cpu="2")), False),
        (job(labels={"a": "1"}), job(labels={"a": "2"}), True),
        (job(args=["1000m"]), job(args=["1"]), False),
        (job(env=[{"name": "cpu", "value": "1000m"}]), job(env=[{"name": "cpu", "value": "1"}]), False),
        (
            job("Other", "example.com/v1", **limits(cpu="1000m")),
            job("Other", "example.com/v1", **limits(cpu="1")),
            False,
        ),
        (job(), job(imagePullPolicy="Always"), False),
    ],
)
def test_meaning(one: Fields, other: Fields, same: bool) -> None:
    assert (meaning(one) == meaning(other)) is same


def test_other_quantities_of_a_pod() -> None:
    def volumes(size: str, request: str) -> Fields:
        claim = {"volumeClaimTemplate": {"spec": {"resources": {"requests": {"storage": request}}}}}
        found = job(env=[{"name": "A", "valueFrom": {"resourceFieldRef": {"divisor": request}}}])
        found["spec"]["template"]["spec"]["volumes"] = [{"emptyDir": {"sizeLimit": size}}, {"ephemeral": claim}]
        return found

    assert meaning(volumes("1Gi", "1k")) == meaning(volumes("1024Mi", "1000"))
    assert meaning(volumes("1Gi", "1k")) != meaning(volumes("1G", "1k"))


def test_what_is_the_same_run() -> None:
    def run(manifest: Fields, written: str, files: str = "f") -> str:
        return full_hash(written, manifest, files)

    first, respelled = run(job(**limits(cpu="1000m")), "a"), run(job(**limits(cpu="1")), "b")
    default, other_files = run(job(imagePullPolicy="Always"), "c"), run(job(**limits(cpu="1")), "d", "g")
    assert same_run(first, first) is same_run(first, respelled) is True
    assert same_run(first, default) is None
    assert same_run(first, other_files) is False
    assert same_run("a", first) is True  # stored by an earlier version
    assert same_run("a", respelled) is False
    both = joined(default, first)
    assert same_run(both, default) is same_run(both, first) is same_run(both, respelled) is True
    assert same_run(joined(other_files, both), default) is None
    assert stands_for(both, first)
    assert not stands_for(both, respelled)
    assert hashed({"a": 1, "b": 2}) == hashed({"b": 2, "a": 1})


def test_the_question_has_the_live_templates_metadata() -> None:
    live = job(labels={"a": "1", "controller-uid": "7"})
    live["spec"]["suspend"] = True
    asked = question(job(labels={"a": "2"}, image="x"), live, ("spec", "suspend"))
    assert asked["spec"]["suspend"] is True
    assert asked["spec"]["template"]["metadata"] == live["spec"]["template"]["metadata"]
    assert asked["spec"]["template"]["spec"]["containers"] == [{"name": "a", "image": "x"}]
    assert asked["metadata"] == {"name": "j"}
    assert "metadata" not in question(job(), {"spec": {}}, ("spec", "suspend"))["spec"]["template"]
