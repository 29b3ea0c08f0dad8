from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from mlstack.compose.manifests import Key
from mlstack.plan.fit.admission import admitted, with_host_ports, with_tolerations
from mlstack.plan.fit.asks import Ask
from mlstack.plan.fit.fit import Fit, Verdict, fit
from mlstack.plan.fit.nodes import rooms
from mlstack.plan.fit.priorities import Priorities
from mlstack.plan.fit.view import View

if TYPE_CHECKING:
    from tests.plan.fit.conftest import Build

PORTS = [{"containerPort": 8080}]
IN_NETWORK: dict[str, Any] = {"containers": [{"name": "c", "ports": PORTS}], "hostNetwork": True}


def _fits(view: View, pod: dict[str, Any], count: int) -> Fit:
    (found,) = fit(view, [Ask("web", Key("", "Pod", "ml", "web"), "", count, pod)])
    return found


@pytest.mark.parametrize(
    ("spec", "most"),
    [
        (IN_NETWORK, 3),  # F3: one a node
        ({**IN_NETWORK, "hostNetwork": False}, 5),
        ({"containers": [{"name": "c", "ports": [{"containerPort": 1, "hostPort": 8080}]}]}, 3),
        # F35: an init container gives its port back, a sidecar keeps it.
        ({"containers": [{"name": "c"}], "initContainers": [{"name": "i", "ports": PORTS}], "hostNetwork": True}, 5),
        (
            {
                "containers": [{"name": "c"}],
                "initContainers": [{"name": "i", "ports": PORTS, "restartPolicy": "Always"}],
                "hostNetwork": True,
            },
            3,
        ),
    ],
)
def test_ports_of_three_nodes(build: Build, spec: dict[str, Any], most: int) -> None:
    view = View(rooms([build.node(f"n-{n}") for n in range(3)], []))
    pod = {"metadata": {"namespace": "ml"}, "spec": spec}
    assert [_fits(view, pod, count).verdict for count in (most, 5)] == [
        Verdict.FITS,
        Verdict.FITS if most == 5 else Verdict.NOT,
    ]


def test_a_port_of_its_own_stays() -> None:
    pod = {"spec": {"hostNetwork": True, "containers": [{"ports": [{"containerPort": 1, "hostPort": 2}, *PORTS]}]}}
    (container,) = with_host_ports(pod)["spec"]["containers"]
    assert [port["hostPort"] for port in container["ports"]] == [2, 8080]
    assert PORTS == [{"containerPort": 8080}]


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ([], ["not-ready", "unreachable"]),
        ([{"operator": "Exists"}], []),
        ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}], ["unreachable"]),
        ([{"operator": "Exists", "effect": "NoSchedule"}], ["not-ready", "unreachable"]),
    ],
)
def test_pods_stay_a_while_on_nodes_that_fail(build: Build, own: list[dict[str, Any]], added: list[str]) -> None:
    tolerations = with_tolerations(build.pod(tolerations=own))["spec"]["tolerations"]
    assert [one["key"].rpartition("/")[2] for one in tolerations[len(own) :]] == added


def _quota(operator: str, *values: str) -> dict[str, Any]:
    scope = {"scopeName": "PriorityClass", "operator": operator, "values": list(values)}
    spec = {"hard": {"pods": "0"}, "scopeSelector": {"matchExpressions": [scope]}}
    return {"metadata": {"name": "q"}, "spec": spec}


CLASSES = {
    "usual": {"value": 7, "globalDefault": True},
    "other": {"value": 9, "globalDefault": True},
    "high": {"value": 1000},
}


@pytest.mark.parametrize(
    ("quota", "own", "verdict"),
    [
        (_quota("In", "usual"), "", Verdict.NOT),  # F39
        (_quota("In", "usual"), "high", Verdict.FITS),
        (_quota("Exists"), "", Verdict.NOT),
        (_quota("DoesNotExist"), "", Verdict.FITS),
        (_quota("In", "other"), "", Verdict.FITS),  # of two defaults the lower one
    ],
)
def test_the_default_priority_class_counts(build: Build, quota: dict[str, Any], own: str, verdict: Verdict) -> None:
    view = View(rooms([build.node("n")], []), quotas=[quota], priorities=Priorities(CLASSES))
    spec: dict[str, Any] = {"priorityClassName": own} if own else {}
    pod = build.pod(**spec)
    assert _fits(view, pod, 1).verdict is verdict
    assert admitted(view, pod)["spec"]["priorityClassName"] == (own or "usual")


def test_classes_that_may_not_be_read_leave_it_open(build: Build) -> None:
    unread = View(rooms([build.node("n")], []), quotas=[_quota("In", "usual")], priorities=Priorities(unread=True))
    found = _fits(unread, build.pod(), 1)
    assert (found.verdict, "PriorityClass" in found.told) == (Verdict.UNKNOWN, True)
    assert _fits(unread, build.pod(priorityClassName="high"), 1).verdict is Verdict.FITS
