from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import key_of
from mlstack.plan.model import Action, Change
from mlstack.plan.rights import Right, commands, covered, lots, own_rights, rights, rights_of, subject

PODS, WEB = Right("n", "", "pods", "list"), Right("n", "apps", "deployments", "patch")
PLURALS = {("", "ConfigMap"): "configmaps", ("apps", "Deployment"): "deployments"}


def made(kind: str, api: str) -> dict[str, Any]:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "n"}}


def rule(verbs: str, groups: str, resources: str, **more: Any) -> dict[str, Any]:
    found = {"verbs": verbs.split(), "apiGroups": groups.split(","), "resources": resources.split()}
    return {**found, **more}


@pytest.mark.parametrize(
    ("one", "granted"),
    [
        (rule("get list", "", "pods services"), True),
        (rule("*", "*", "*"), True),
        (rule("get", "", "pods"), False),
        (rule("list", "apps", "pods"), False),
        (rule("list", "", "pods/log"), False),
        (rule("list", "", "pods", resourceNames=["a"]), False),
    ],
)
def test_what_a_rule_grants(one: dict[str, Any], granted: bool) -> None:
    assert covered(PODS, [one]) is granted


def test_what_objects_take_in_their_life() -> None:
    found = rights([made("ConfigMap", "v1"), made("Deployment", "apps/v1"), made("Gadget", "e.example/v1")], PLURALS)
    assert {right.verb for right in found if right.resource == "configmaps"} == {"list", "create", "patch", "delete"}
    assert {right.verb for right in found if right.resource == "deployments"} == {
        "list", "watch", "create", "patch", "delete"
    }  # fmt: skip
    assert {right.namespace for right in found} == {"n"}


@pytest.mark.parametrize(
    ("action", "live", "verbs"),
    [
        (Action.CREATE, False, {"create", "patch"}),
        (Action.CHANGE, True, {"patch"}),
        (Action.PRUNE, True, {"delete"}),
        (Action.RECREATE, True, {"create", "patch", "delete"}),
        (Action.NEW_RUN, False, {"create", "patch"}),
    ],
)
def test_what_a_change_takes(action: Action, live: bool, verbs: set[str]) -> None:
    web = made("Deployment", "apps/v1")
    change = Change(key_of(web), action, manifest=None if action is Action.PRUNE else web, live=web if live else None)
    assert {right.verb for right in rights_of([change], PLURALS)} == verbs


def test_the_same_verbs_are_told_together() -> None:
    missing = [Right("", "g", kind, verb) for kind in ("as", "bs") for verb in ("patch", "list")]
    found = lots([*missing, WEB])
    assert [str(lot) for lot in found] == [
        "in the whole cluster: list, patch as.g, bs.g",
        "in namespace n: patch deployments.apps",
    ]


@pytest.mark.parametrize(
    ("missing", "told"),
    [
        ([PODS, WEB], ["kubectl create rolebinding mine -n n --clusterrole=admin --user=ann"]),
        (
            [Right("n", "kubeflow.org", "tfjobs", "list")],
            [
                "kubectl create role mine -n n --verb=list --resource=tfjobs.kubeflow.org",
                "kubectl create rolebinding mine -n n --role=mine --user=ann",
            ],
        ),
        (
            [Right("", "g", "as", "list"), Right("", "g", "bs", "watch")],
            [
                "kubectl create clusterrole mine --verb=list --resource=as.g",
                "kubectl create clusterrole mine-2 --verb=watch --resource=bs.g",
                "kubectl create clusterrolebinding mine --clusterrole=mine --user=ann",
                "kubectl create clusterrolebinding mine-2 --clusterrole=mine-2 --user=ann",
            ],
        ),
    ],
)
def test_what_to_ask_for(missing: list[Right], told: list[str]) -> None:
    assert commands(missing, "ann", "mine") == told


def test_who_asks() -> None:
    assert subject("system:serviceaccount:team:ada") == "--serviceaccount=team:ada"
    assert subject("oidc:ann@example.com") == "--user=oidc:ann@example.com"


def test_what_mlstack_itself_takes() -> None:
    assert {right.resource for right in own_rights("n")} == {"configmaps"}
