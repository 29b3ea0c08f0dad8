"""What is read of a cluster before pods are held against it: which requests, and what a user without rights learns."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mlstack.actions.capacity import ELSEWHERE, KINDS, UNCLAIMED, see
from mlstack.cluster import objects
from mlstack.cluster.access import Permission, may
from mlstack.cluster.client import Client
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Key
from mlstack.plan.fit.asks import Ask

ROLE, BINDING = (well_known("rbac.authorization.k8s.io/v1", kind) for kind in ("Role", "RoleBinding"))


def _ask(namespace: str, device: str = "", **spec: Any) -> Ask:
    resources = {"limits": {device: "1"}} if device else {}
    pod = {
        "metadata": {"namespace": namespace},
        "spec": {"containers": [{"name": "c", "resources": resources}], **spec},
    }
    return Ask("cnn", Key("", "Job", namespace, "cnn"), "", 1, pod)


def _nothing(pod: object) -> bool:
    return False


VOLUMES = ("persistentvolumeclaims", "persistentvolumes", "storageclasses")
PLAIN = ("limitranges", "nodes", "pods", "priorityclasses", "resourcequotas", *VOLUMES)


@pytest.mark.parametrize(
    ("device", "spec", "more"),
    [
        ("", {}, []),
        ("", {"priorityClassName": "high"}, []),
        ("", {"runtimeClassName": "nvidia"}, ["runtimeclasses"]),
        ("nvidia.com/gpu", {}, ["deviceclasses", "resourceslices"]),  # no node of minikube's offers one
        ("", {"resourceClaims": [{"name": "gpu"}]}, ["deviceclasses", "resourceslices"]),
    ],
)
def test_one_list_each(client: Client, made: str, device: str, spec: dict[str, Any], more: list[str]) -> None:
    client.requests.clear()
    view = see(client, made, _nothing, asked=[_ask(made, device, **spec)])
    assert client.requests == {f"LIST {kind}": 1 for kind in (*PLAIN, *more)}
    assert (view.partly, view.blind) == (False, ())


@pytest.fixture
def team(client: Client, stranger: Client, made: str) -> str:
    """The stranger may list all of one namespace, and nothing else."""
    rule = {"apiGroups": [""], "resources": ["*"], "verbs": ["list"]}
    objects.apply(
        client,
        ROLE,
        {
            "apiVersion": ROLE.api_version,
            "kind": "Role",
            "metadata": {"name": "team", "namespace": made},
            "rules": [rule],
        },
        manager="test",
    )
    group = "rbac.authorization.k8s.io"
    bound = {
        "apiVersion": BINDING.api_version,
        "kind": "RoleBinding",
        "metadata": {"name": "team", "namespace": made},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "team"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": "stranger"}],
    }
    objects.apply(client, BINDING, bound, manager="test")
    while not may(stranger, Permission("list", well_known("v1", "Pod"), made)):
        time.sleep(0.05)
    stranger.requests.clear()
    return made


def test_who_may_list_one_namespace_only_is_told_what_that_hides(stranger: Client, team: str) -> None:
    view = see(stranger, team, _nothing, asked=[_ask(team, "nvidia.com/gpu", runtimeClassName="kata")])
    assert view.nodes is None
    assert view.partly
    everywhere = [kind.blind for kind in KINDS.values() if kind.everywhere]
    assert view.blind == (*everywhere, "runtime classes may not be listed", ELSEWHERE, UNCLAIMED)
    assert view.runtimes is None


def test_who_may_list_nothing_is_told_so(stranger: Client, namespace: str) -> None:
    stranger.requests.clear()
    view = see(stranger, namespace, _nothing)
    assert view.nodes is None
    assert view.partly
    assert view.blind == (*(kind.blind for kind in KINDS.values()), ELSEWHERE)
