from __future__ import annotations

from typing import Any

import pytest

from mlstack.compose.manifests import Key, Manifest, key_of
from mlstack.plan.model import Action, Change
from mlstack.plan.needs import held_back, waiting_for


def change(component: str, api: str, kind: str, name: str = "x", namespace: str = "n", **more: Any) -> Change:
    manifest: Manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **more}
    return Change(key_of(manifest), Action.CREATE, component, manifest=manifest)


CRD = change(
    "operator",
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    "policies.a.example",
    "",
    spec={"group": "a.example", "names": {"kind": "Policy", "plural": "rules"}},
)
API = change(
    "metrics",
    "apiregistration.k8s.io/v1",
    "APIService",
    "v1.m.example",
    "",
    spec={"group": "m.example", "service": {"namespace": "n", "name": "adapter"}},
)


def webhook(**hook: Any) -> Change:
    rule = {"apiGroups": ["apps"], "resources": ["deployments"], **hook.pop("rule", {})}
    call = {"clientConfig": {"service": {"namespace": "n", "name": "hook"}}, "rules": [rule], **hook}
    kind = "MutatingWebhookConfiguration"
    return change("guard", "admissionregistration.k8s.io/v1", kind, "guard", "", webhooks=[call])


HOOK, ADAPTER = change("guard", "v1", "Service", "hook"), change("adapter", "v1", "Service", "adapter")
ELSEWHERE = change("network", "v1", "Service", "hook")  # the webhook's Service in a component of its own
WEB = change("web", "apps/v1", "Deployment", "web")
POLICY = change("rules", "a.example/v2", "Policy")
METRIC = change("scaled", "m.example/v1", "Metric")
ROLE = change("operator", "rbac.authorization.k8s.io/v1", "ClusterRole", "operator", "")
SETTINGS = change("web", "v1", "ConfigMap", "settings")
NAMESPACE = Change(Key("", "Namespace", "", "n"), Action.CREATE)

# (what comes, what is lost, what else the plan holds, whether it is held back)
TABLE = {
    "nothing lost": (WEB, [], [], False),
    "its own component": (WEB, [SETTINGS], [], True),
    "another component": (WEB, [change("other", "v1", "ConfigMap")], [], False),
    "its namespace": (WEB, [NAMESPACE], [], True),
    "another namespace": (change("web", "apps/v1", "Deployment", namespace="m"), [NAMESPACE], [], False),
    "nothing but a namesake of its namespace": (WEB, [change("other", "v1", "ConfigMap", "n")], [], False),
    "its CRD": (POLICY, [CRD], [], True),
    "what its CRD comes with": (POLICY, [ROLE], [CRD], True),
    "another group's CRD": (METRIC, [CRD], [], False),
    "a kind of the same name in another group": (change("c", "b.example/v1", "Policy"), [CRD], [], False),
    "its API's Service, in a component of its own": (METRIC, [ADAPTER], [API, ADAPTER], True),
    "an API's Service that is not of its group": (POLICY, [ADAPTER], [API, ADAPTER], False),
    "the Service behind its webhook": (WEB, [HOOK], [webhook(), HOOK], True),
    "the same in a component of its own": (WEB, [ELSEWHERE], [webhook(), ELSEWHERE], True),
    "a webhook for all": (WEB, [HOOK], [webhook(rule={"apiGroups": ["*"], "resources": ["*/*"]}), HOOK], True),
    "a webhook that may fail": (WEB, [HOOK], [webhook(failurePolicy="Ignore"), HOOK], False),
    "a webhook for other kinds": (WEB, [HOOK], [webhook(rule={"resources": ["pods"]}), HOOK], False),
    "a webhook for its scale": (WEB, [HOOK], [webhook(rule={"resources": ["deployments/scale"]}), HOOK], False),
    "a webhook for all of it": (WEB, [HOOK], [webhook(rule={"resources": ["deployments/*"]}), HOOK], True),
}


@pytest.mark.parametrize("case", TABLE)
def test_what_needs_what_failed(case: str) -> None:
    coming, lost, others, held = TABLE[case]
    assert held_back([coming], lost, [coming, *lost, *others]) == ([coming] if held else [])


OPERATOR = change("operator", "apps/v1", "Deployment", "operator")
LATE = {
    "a kind that it brings": (POLICY, [OPERATOR], [CRD], True),
    "a kind of another's": (METRIC, [OPERATOR], [CRD, API], False),
    "what else is in its component": (change("operator", "apps/v1", "StatefulSet", "hub"), [OPERATOR], [CRD], False),
    "what its webhook is asked about": (WEB, [change("guard", "apps/v1", "Deployment", "hook")], [webhook()], True),
    "nothing unready": (POLICY, [], [CRD], False),
}


@pytest.mark.parametrize("case", LATE)
def test_what_waits_for_which_operator(case: str) -> None:
    coming, unready, others, waits = LATE[case]
    assert waiting_for([coming], unready, [coming, *unready, *others]) == ([coming] if waits else [])
