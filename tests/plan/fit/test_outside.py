from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.outside import out_of_scope
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

GPU = "nvidia.com/gpu"


def _away(selector: dict[str, Any], role: str = "web") -> dict[str, Any]:
    term = {"labelSelector": {"matchLabels": {"role": role}}, "topologyKey": "zone", "namespaceSelector": selector}
    return {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({}, ""),
        ({"schedulerName": "default-scheduler"}, ""),
        ({"schedulerName": "volcano"}, "scheduler volcano places it"),
        ({"resourceClaims": [{"name": "gpu"}]}, "it claims devices by dynamic resource allocation"),
        ({"schedulingGates": [{"name": "kueue"}]}, "scheduling gates hold it"),
        ({"schedulingGroup": {"podGroupName": "g"}}, "it is placed together with its group, or not at all"),
        ({"affinity": _away({})}, ""),
        ({"affinity": _away({"matchLabels": {"a": "b"}})}, "its affinity is to pods of namespaces with some label"),
    ],
)
def test_what_the_default_rules_do_not_tell(build: Build, spec: dict[str, Any], why: str) -> None:
    assert out_of_scope(build.pod(**spec)) == why


def _told(view: View, build: Build, **spec: Any) -> tuple[Verdict, str]:
    pod = build.pod(labels={"role": "worker"}, requests={GPU: "1"}, **spec)
    (found,) = fit(view, [Ask("cnn", Key("", "Job", "ml", "cnn"), "worker", 1, pod)])
    return found.verdict, found.told


def test_pods_that_look_at_namespaces_by_label_make_it_uncertain(build: Build) -> None:
    node = build.node("n", allocatable={GPU: "2"})
    cases = [
        ("worker", {"matchLabels": {"a": "b"}}, Verdict.UNKNOWN),
        ("web", {"matchLabels": {"a": "b"}}, Verdict.FITS),
    ]
    for role, selector, verdict in cases:
        there = build.pod("n", affinity=_away(selector, role))
        assert _told(View(rooms([node], [there])), build)[0] is verdict


def test_what_is_not_known_is_said(build: Build) -> None:
    node = build.node("n", allocatable={GPU: "2"})
    assert _told(View(None), build) == (Verdict.UNKNOWN, "nodes may not be listed")
    there = rooms([node], [])
    assert _told(View(there, hidden={GPU: "DeviceClass x"}), build) == (Verdict.UNKNOWN, "DeviceClass x")
    unread = "what RuntimeClass kata adds may not be read"
    assert _told(View(there), build, runtimeClassName="kata") == (Verdict.UNKNOWN, unread)
    assert _told(View(there, runtimes={"kata": {}}), build, runtimeClassName="kata")[0] is Verdict.FITS
    missing = (Verdict.NOT, "RuntimeClass kata is not there")
    assert _told(View(there, runtimes={}), build, runtimeClassName="kata") == missing
