"""Receipts, history and rollback on a real cluster."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from mlstack.actions.apply import ApplyOptions
from mlstack.actions.delete import delete
from mlstack.actions.history import history, revision_contents
from mlstack.actions.rollback import rollback
from mlstack.actions.status import status
from mlstack.cli import main
from mlstack.errors import MlstackError, NotReadyError
from mlstack.plan.model import Allow
from mlstack.plan.receipts import OUTCOMES
from tests.cluster.engine.manifests import deployment

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

OBJECTS = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {color: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: token, annotations: {mlstack.dev/generate: '{"token": "hex:32"}'}}
"""
OTHER = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"


def receipts(kubectl: Kubectl, namespace: str) -> list[dict[str, Any]]:
    found = kubectl("get", "configmaps", "-n", namespace, "-l", "mlstack.dev/history", "-o", "json", context="gke")
    items: list[dict[str, Any]] = json.loads(found)["items"]
    return items


def all_configs(kubectl: Kubectl, namespace: str) -> set[str]:
    found = kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke").split()
    return {name.partition("/")[2] for name in found}


def configs(kubectl: Kubectl, namespace: str) -> set[str]:
    return {name for name in all_configs(kubectl, namespace) if "kube-root-ca" not in name and "mlstack-" not in name}


def test_back_and_forth(
    stack: Stack, namespace: str, kubectl: Kubectl, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.write("web", OBJECTS)
    stack.apply()
    token = stack.live("secret/token")["data"]
    stack.apply()
    assert len(receipts(kubectl, namespace)) == 1  # nothing to do leaves none

    stack.write("web", OBJECTS.replace("blue", "red"))
    stack.write("other", OTHER.replace("NAME", "other"))
    stack.apply("other")
    stack.apply()
    found = history(stack.scope())
    assert [one.revision for one in found.revisions] == [3, 2, 1]
    assert [one.components for one in found.revisions] == [(), ("other",), ()]
    assert found.revisions[0].who == found.revisions[2].who
    assert "@" in found.revisions[0].who
    assert token["token"] not in json.dumps(receipts(kubectl, namespace))
    # A receipt of one component's apply holds the others' state too.
    assert set(revision_contents(stack.scope(), 2).manifests) == {"web", "other"}

    done = rollback(stack.scope(), 1)
    assert {str(change.key) for change in done.outcome.plan.writes} == {"ConfigMap/settings", "ConfigMap/other"}
    assert configs(kubectl, namespace) == {"settings"}
    assert stack.live("configmap/settings")["data"] == {"color": "blue"}
    assert stack.live("secret/token")["data"] == token
    assert [note for note in status(stack.scope()).notices if "rollback" in note] == [
        "gke is at revision 1 since a rollback, and the files are ahead of it (2 objects): "
        "`mlstack diff gke` shows the difference."
    ]

    monkeypatch.chdir(stack.root)
    assert main.run(["apply", "gke"]) == 1
    assert "gke was rolled back to revision 1, and the files are ahead of it, and stdin is not a terminal" in (
        capsys.readouterr().err
    )
    assert main.run(["apply", "gke", "--yes"]) == 0
    assert configs(kubectl, namespace) == {"settings", "other"}
    assert not [note for note in status(stack.scope()).notices if "rollback" in note]

    capsys.readouterr()
    assert main.run(["rollback", "gke"]) == 1
    asked = capsys.readouterr()
    assert "ConfigMap/settings" in asked.out
    assert "Add --yes" in asked.err
    assert main.run(["rollback", "gke", "2", "--yes"]) == 0
    assert "gke is at revision 2 again" in capsys.readouterr().out
    assert stack.live("configmap/settings")["data"] == {"color": "blue"}
    assert main.run(["history", "gke"]) == 0
    assert "rollback to 2" in capsys.readouterr().out

    with pytest.raises(MlstackError, match=r"no revision 77; there are: 1, 2, 3, 4, 5, 6"):
        rollback(stack.scope(), 77)
    delete(stack.scope())
    assert receipts(kubectl, namespace) == []


def test_receipts_are_bounded_and_never_stop_an_apply(
    stack: Stack, namespace: str, kubectl: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mlstack.actions.receipts.KEPT_REVISIONS", 2)
    for number in range(4):
        stack.write("web", OBJECTS.replace("blue", f"c{number}"))
        stack.apply(wait="none")
    assert [one.revision for one in history(stack.scope()).revisions] == [4, 3]

    # Manifests that do not fit leave a receipt without them.
    monkeypatch.setattr("mlstack.plan.receipts.CHUNK_BYTES", 8)
    stack.write("web", OBJECTS.replace("blue", "green"))
    stack.apply(wait="none")
    with pytest.raises(MlstackError, match="Revision 5 of gke kept no manifests"):
        rollback(stack.scope(), 5)
    monkeypatch.setattr("mlstack.plan.receipts.CHUNK_BYTES", 200)  # several ConfigMaps for one receipt
    stack.write("web", OBJECTS.replace("blue", "black"))
    stack.apply(wait="none")
    names = {item["metadata"]["name"] for item in receipts(kubectl, namespace)}
    assert len(names) > 2
    assert set(revision_contents(stack.scope(), 6).manifests) == {"web"}

    # A damaged one costs the next receipt, which would have to build on it, and not the apply.
    damaged = '{"binaryData": {"manifests": "AAAA"}}'
    name = next(name for name in names if name.endswith("-r6"))
    kubectl("patch", "configmap", name, "-n", namespace, "-p", damaged, context="gke")
    stack.write("other", OTHER.replace("NAME", "other"))
    stack.apply("other", wait="none")
    assert [event for event in stack.events if "revision 6 of gke cannot be read" in str(event)]

    there = len(kubectl("get", "configmaps", "-n", namespace, "-o", "name", context="gke").split())
    kubectl("create", "quota", "none", f"--hard=configmaps={there}", "-n", namespace, context="gke")
    stack.write("web", OBJECTS.replace("blue", "white"))
    stack.apply(wait="none")
    assert [event for event in stack.events if "No receipt of this apply could be kept" in str(event)]
    assert stack.live("configmap/settings")["data"] == {"color": "white"}


def test_back_to_the_last_revision_that_was_ready(
    stack: Stack, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """E7: one that never became ready is no target, also where nobody waited for it."""
    stack.write("settings", OTHER.replace("NAME", "settings"))
    for mode in ("unready", ""):
        stack.write("web", deployment(image=f"web:{mode or 'good'}", mode=mode))
        stack.apply(wait="ready" if not mode else "none", disruption=True)
    with pytest.raises(MlstackError, match="gke has no revision before 2 that was ready") as refused:
        rollback(stack.scope())
    assert refused.value.message.splitlines()[1].endswith("not ready: web")
    assert "mlstack rollback gke REVISION" in refused.value.hint

    stack.write("web", deployment(image="web:broken", mode="unready"))
    with pytest.raises(NotReadyError):
        stack.apply(timeout_s=1, disruption=True)
    stack.write("settings", OTHER.replace("NAME", "settings") + "data: {a: b}\n")
    stack.apply(wait="none")
    states = [one.outcomes for one in history(stack.scope()).revisions]
    assert states == [
        {"settings": "ready", "web": "unknown"},
        {"settings": "ready", "web": "not ready"},
        {"settings": "ready", "web": "ready"},
        {"settings": "ready", "web": "not ready"},
    ]

    monkeypatch.chdir(stack.root)
    capsys.readouterr()
    assert main.run(["rollback", "gke", "--dry-run", "--allow-disruption"]) == 0
    said = capsys.readouterr().out
    assert "Going back to revision 2, applied " in said
    assert "web:broken -> web:good" in said
    assert stack.live("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"] == "web:broken"
    assert main.run(["rollback", "gke", "--yes", "--allow-disruption", "--timeout", "60"]) == 0
    assert stack.live("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"] == "web:good"
    # As far as one component goes, a later one will do.
    assert rollback(stack.scope("gke", "settings"), options=ApplyOptions(wait="none")).revision.revision == 1
    assert main.run(["history", "gke", "--revision", "99"]) == 1
    assert "gke has no revision 99; there are: 1, 2, 3, 4, 5." in capsys.readouterr().err


def test_the_next_apply_judges_what_nobody_waited_for(stack: Stack, kubectl: Kubectl) -> None:
    stack.write("web", deployment(image="web:good"))
    stack.apply(wait="none")
    where = ("-n", stack.namespace, "--timeout=60s")
    kubectl("rollout", "status", "deployment/web", *where, context="gke")
    stack.write("web", deployment(image="web:broken", mode="unready"))
    stack.apply(wait="none", disruption=True)
    assert [one.state() for one in history(stack.scope()).revisions] == ["unknown", "ready"]
    assert rollback(stack.scope(), options=ApplyOptions(Allow(disruption=True), "none")).revision.revision == 1


def test_receipts_that_a_former_version_kept_in_secrets(stack: Stack, kubectl: Kubectl) -> None:
    """They are listed and gone back to until the last of them is dropped; afterwards nobody asks for Secrets."""
    stack.write("web", OBJECTS)
    stack.apply()
    stack.write("web", OBJECTS.replace("blue", "red"))
    stack.apply()
    for item in receipts(kubectl, stack.namespace):
        metadata = {key: item["metadata"][key] for key in ("name", "namespace", "labels", "annotations")}
        del metadata["annotations"][OUTCOMES]
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": item["binaryData"]}
        kubectl("delete", "configmap", metadata["name"], "-n", stack.namespace, context="gke")
        kubectl("create", "-f", "-", stdin=json.dumps(secret), context="gke")
    parent = next(name for name in all_configs(kubectl, stack.namespace) if name.startswith("mlstack-"))
    old = '[{"op": "remove", "path": "/data/receipts"}]'
    kubectl("patch", "configmap", parent, "-n", stack.namespace, "--type=json", "-p", old, context="gke")

    assert [one.revision for one in history(stack.scope()).revisions] == [2, 1]
    with pytest.raises(MlstackError, match="no revision before 2 that was ready"):
        rollback(stack.scope())
    assert rollback(stack.scope(), 1).revision.revision == 1
    assert stack.live("configmap/settings")["data"] == {"color": "blue"}
    stack.write("other", OTHER.replace("NAME", "other"))
    stack.apply("other", yes=True)
    assert set(revision_contents(stack.scope(), 4).manifests) == {"web", "other"}
    assert [one.revision for one in history(stack.scope()).revisions] == [4, 3, 2, 1]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mlstack.actions.receipts.KEPT_REVISIONS", 2)
        patch.setattr("mlstack.actions.remember.KEPT_REVISIONS", 2)
        stack.write("other", OTHER.replace("NAME", "another"))
        stack.apply("other", yes=True)
    assert [one.revision for one in history(stack.scope()).revisions] == [5, 4]
    assert "LIST secrets" not in stack.sent()
    found = kubectl("get", "secrets", "-n", stack.namespace, "-l", "mlstack.dev/history", "-o", "name", context="gke")
    assert found == ""
