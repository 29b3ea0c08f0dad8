"""Delete on a real cluster: all of ours, nothing of others, data kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.delete import delete
from mlstack.cli import main
from mlstack.errors import MlstackError
from tests.cluster.engine.manifests import config, deployment, job, together

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]

CLAIM = """
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
"""
OBJECTS = together(config("settings"), CLAIM, deployment())


def names(kubectl: Kubectl, namespace: str) -> set[str]:
    kinds = "configmaps,deployments,persistentvolumeclaims"
    found = kubectl("get", kinds, "-n", namespace, "-o", "name", context="gke").split()
    return {name for name in found if "kube-root-ca" not in name}


def test_what_is_ours_goes_and_data_stays(
    stack: Stack,
    namespace: str,
    kubectl: Kubectl,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack.write("web", OBJECTS)
    stack.apply()
    kubectl("create", "configmap", "foreign", "-n", namespace, context="gke")
    everything = names(kubectl, namespace)
    rehearsed = delete(stack.scope(), dry_run=True)
    assert names(kubectl, namespace) == everything
    with pytest.raises(MlstackError, match="Nothing was changed"):
        delete(stack.scope(), confirm=lambda keys: False)
    monkeypatch.chdir(stack.root)
    assert main.run(["delete", "gke"]) == 1
    asked = capsys.readouterr()
    assert "Removing 2 objects from gke must be confirmed, and stdin is not a terminal; nothing was" in asked.err
    assert asked.out.splitlines()[-2:] == ["    delete    ConfigMap/settings", "    delete    Deployment/web"]
    assert names(kubectl, namespace) == everything
    done = delete(stack.scope())
    assert done == rehearsed
    assert done.left == ("Kept: PersistentVolumeClaim/data. To delete: mlstack delete gke --include pvc",)
    assert [str(key) for key in done.kept] == ["PersistentVolumeClaim/data"]
    left = names(kubectl, namespace)
    assert {"configmap/foreign", "persistentvolumeclaim/data"} < left
    assert len(left) == 4  # and the inventory, which remembers the claim, with the receipt

    done = delete(stack.scope(), include=frozenset({"pvc", "namespace"}))
    assert [str(key) for key in done.removed] == ["PersistentVolumeClaim/data"]
    said = kubectl("get", "namespace", namespace, context="gke", check=False)
    assert "Terminating" in said or "NotFound" in said


def test_one_component_only_and_a_run_may_start_again(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", OBJECTS)
    stack.write("train", job(""))
    stack.apply(wait="finished")
    delete(stack.scope("gke", "train"))
    assert "deployment.apps/web" in names(kubectl, namespace)
    outcome = stack.apply(wait="none")
    assert {str(action): count for action, count in outcome.plan.counts.items()} == {"unchanged": 3, "new run": 1}


def test_broken_files_do_not_keep_anything_alive(stack: Stack, namespace: str, kubectl: Kubectl) -> None:
    stack.write("web", OBJECTS)
    stack.apply(wait="none")
    stack.write("web", "this: is: no: yaml")
    delete(stack.scope(), include=frozenset({"pvc"}))
    assert names(kubectl, namespace) == set()
