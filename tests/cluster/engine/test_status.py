"""Status on a real cluster, with the real prototypes and the real training operator."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlstack.actions.apply import ApplyOptions, Outcome, apply
from mlstack.actions.delete import delete
from mlstack.actions.environments import add_environment
from mlstack.actions.generate import generate
from mlstack.actions.gpus import Gpus
from mlstack.actions.init import init
from mlstack.actions.session import Scope, render_scope
from mlstack.actions.status import status
from mlstack.actions.wait import wait_for
from mlstack.app.contexts import KubeContexts
from mlstack.app.project import Project
from mlstack.cluster.client import Client
from mlstack.errors import MlstackError, NotReadyError
from mlstack.sandbox import Sandbox

if TYPE_CHECKING:
    from .conftest import Stack

Kubectl = Callable[..., str]
# It runs until it is told otherwise: however slow the machine is, it runs when it is looked at.
SETS = ("cnn.num_gpus=1", "cnn.num_workers=2", 'cnn.annotations={"sim/mode": "forever"}')


def kubeflow(root: Path, namespace: str) -> Path:
    """An app with kubeflow-core for a namespace of gke."""
    init(root)
    generate(Project.load(root), "kubeflow-core", "core")
    contexts = KubeContexts(("gke",), "gke")
    add_environment(Project.load(root), "gke", contexts, "gke", namespace, "gke", local_params={"webhook": False})
    return root


def scope(root: Path, *components: str, sets: tuple[str, ...] = ()) -> Scope:
    return Scope(Project.load(root), "gke", components, sets)


def applied(root: Path, *components: str, sets: tuple[str, ...] = (), wait: str = "ready") -> Outcome:
    options = ApplyOptions(wait=wait, timeout_s=90)
    return apply(scope(root, *components, sets=sets), options)


def counts(outcome: Outcome) -> dict[str, int]:
    return {str(action): count for action, count in outcome.plan.counts.items()}


@pytest.fixture
def core(gke: Sandbox, tmp_path: Path, namespace: str, kubectl: Kubectl) -> Iterator[Path]:
    """kubeflow-core applied; removed with its CRDs afterwards, and without those that another test left here before."""
    left = [f"{kind}.kubeflow.org" for kind in ("tfjobs", "pytorchjobs", "paddlejobs", "mpijobs")]
    kubectl("delete", "crd", *left, "--ignore-not-found", context="gke")
    root = kubeflow(tmp_path / "core", namespace)
    applied(root)
    yield root
    delete(scope(root), include=frozenset({"pvc", "crd", "namespace"}))


def test_kubeflow_core_and_a_training_run(
    core: Path, namespace: str, kubectl: Kubectl, clients: list[Client], tmp_path: Path
) -> None:
    assert set(counts(applied(core))) == {"unchanged"}
    assert not [name for name in clients[-1].requests if name.split()[0] not in ("GET", "LIST", "WATCH")]
    (found,) = status(scope(core)).components
    assert (found.ready, found.present, found.total) == ("yes", found.total, found.total)

    rendered, _ = render_scope(scope(core))
    listed = {"apiVersion": "v1", "kind": "List", "items": [m for one in rendered for m in one.manifests]}
    shown = json.dumps(listed)
    assert kubectl("diff", "--server-side", "-f", "-", context="gke", stdin=shown, check=False) == ""
    kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", context="gke", stdin=shown)

    generate(Project.load(core), "tf-cnn", "cnn")
    assert counts(applied(core, "cnn", sets=SETS)) == {"create": 1, "new run": 1}
    now = status(scope(core, sets=SETS))
    assert {one.name: one.ready for one in now.components} == {"core": "yes", "cnn": "running"}
    assert now.gpus is not None
    assert (now.gpus.used, now.gpus.ours) == (2, 2)
    assert now.simulated
    assert set(counts(applied(core, "cnn", sets=SETS))) == {"unchanged"}
    held = applied(core, "cnn", sets=("cnn.num_gpus=1", "cnn.num_workers=1"))
    assert counts(held)["held"] == 1

    kubectl("annotate", "pods", "--all", "-n", namespace, "sim/mode-", context="gke")
    wait_for(scope(core, "cnn", sets=SETS), what="finished", timeout_s=90)
    assert {one.name: one.ready for one in status(scope(core, "cnn", sets=SETS)).components} == {"cnn": "done"}
    kubectl("delete", "tfjob/cnn", "-n", namespace, context="gke")
    assert counts(applied(core, "cnn", sets=SETS)) == {"unchanged": 1, "done": 1}
    assert "NotFound" in kubectl("get", "tfjob/cnn", "-n", namespace, context="gke", check=False)
    assert {one.name: one.ready for one in status(scope(core, "cnn", sets=SETS)).components} == {"cnn": "done"}

    two = kubeflow(tmp_path / "two", f"{namespace}-two")
    outcome = applied(two)
    assert outcome.plan.counts
    said = " ".join(outcome.plan.notices)
    assert "provided by mlstack app core" in said
    assert "ClusterRoleBinding/training-operator" in said
    operators = json.loads(kubectl("get", "deployments", "-A", "-o", "json", context="gke"))["items"]
    assert [one["metadata"]["namespace"] for one in operators] == [namespace]
    assert {one.name: one.ready for one in status(scope(two)).components} == {"core": "yes"}
    delete(scope(two), include=frozenset({"pvc", "crd", "namespace"}))
    assert "tfjobs.kubeflow.org" in kubectl("get", "crds", "-o", "name", context="gke")
    assert set(counts(applied(core, "core"))) == {"unchanged"}


PENDING = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: big}
spec:
  selector: {matchLabels: {app: big}}
  template:
    metadata: {labels: {app: big}}
    spec: {containers: [{name: a, image: nginx, resources: {limits: {nvidia.com/gpu: 99}}}]}
"""


def test_a_pending_workload_is_told_with_its_reason(stack: Stack) -> None:
    stack.write("big", PENDING)
    assert [one.ready for one in status(stack.scope()).components] == ["absent"]
    with pytest.raises(MlstackError, match="Nothing of this app"):
        wait_for(stack.scope())
    stack.apply(wait="none")
    with pytest.raises(NotReadyError, match=r"Deployment/big 0/1 .*fewer than 99 GPUs free"):
        wait_for(stack.scope(), timeout_s=3)
    (found,) = status(stack.scope()).components
    assert (found.ready, found.present, found.total) == ("waiting", 1, 1)
    assert found.notes[0].startswith("Deployment/big 0/1: ")
    assert "fewer than 99 GPUs free" in found.notes[0]


def test_gpus_of_a_cluster(stack: Stack) -> None:
    tolerant = "spec: {tolerations: [{operator: Exists}], containers"
    stack.write("big", PENDING.replace("99", "1").replace("spec: {containers", tolerant))
    stack.apply()
    found = status(stack.scope()).gpus
    assert isinstance(found, Gpus)
    assert found.ours == found.used == 1
    assert found.total > 1


def test_what_renders_no_longer_is_told(stack: Stack) -> None:
    stack.write("big", PENDING)
    stack.write("small", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: small}\n")
    stack.apply(wait="none")
    stack.drop("big")
    assert "1 object is no longer rendered (Deployment/big)" in status(stack.scope()).notices[0]


CRASHING = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}, annotations: {sim/mode: crashloop}}
    spec: {containers: [{name: a, image: nginx}]}
"""


def test_a_crash_loop_is_told_with_its_exit_code(stack: Stack) -> None:
    stack.write("web", CRASHING)
    stack.apply(wait="none")
    notes: list[str] = []
    for _ in range(120):  # it runs a second, then waits three: only then there is something to tell
        notes = [note for one in status(stack.scope()).components for note in one.notes]
        if any("CrashLoopBackOff: a ended with exit code" in note for note in notes):
            return
        time.sleep(0.25)
    raise AssertionError(notes)
