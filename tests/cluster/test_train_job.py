"""A TrainJob's pods at the Pod Security level that the prototype states.

They are those of the runtimes that come with Trainer, with our patch merged in as Trainer does it (strategic merge),
sent to a real API server, into namespaces that enforce a level.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack.cluster import objects
from mlstack.cluster.client import Client
from mlstack.cluster.failures import DeniedError
from mlstack.cluster.kinds import well_known
from mlstack.compose.manifests import Manifest
from mlstack.errors import MlstackError
from tests.prototypes.showing import FULLEST, catalogue, rendered_sets
from tests.upstream.crds import TRAINER, folder

Kubectl = Callable[..., str]
RUNTIMES = ("torch", "jax", "xgboost")
NAMED = (
    "serviceAccountName",
    "priorityClassName",
)  # what a pod may name and a dry-run would miss; no level looks at it


@pytest.fixture(scope="module")
def patches() -> list[Manifest]:
    """What the prototype changes of a runtime's pods, each different one once."""
    found: dict[str, Manifest] = {}
    for _, rendered in rendered_sets("train-job", FULLEST):
        for manifest in rendered.manifests:
            for patch in (manifest["spec"].get("runtimePatches") or ()) if manifest["kind"] == "TrainJob" else ():
                for job in patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"]:
                    spec = {**job["template"]["spec"]["template"]["spec"]}
                    for name in NAMED:
                        spec.pop(name, None)
                    found.setdefault(json.dumps(spec, sort_keys=True), {"spec": spec})
    return list(found.values())


@pytest.fixture
def levels(client: Client, namespace: str) -> Iterator[dict[str, str]]:
    """A namespace for each level that enforces it."""
    resource = well_known("v1", "Namespace")
    names = {level: f"{namespace}-{level}" for level in ("restricted", "baseline")}
    for level, name in names.items():
        labels = {"pod-security.kubernetes.io/enforce": level}
        objects.create(
            client,
            resource,
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}},
            manager="test",
        )
    accounts = well_known("v1", "ServiceAccount")
    while not all(objects.find(client, accounts, name, "default") for name in names.values()):
        time.sleep(0.1)  # pods need it, and it comes a moment after its namespace
    yield names
    for name in names.values():
        objects.delete(client, resource, None, name)


def runtime_pod(runtime: str) -> Manifest:
    """The pod of a runtime's nodes, as Trainer ships it."""
    file: Path = folder(TRAINER) / f"manifests/base/runtimes/{runtime}_distributed.yaml"
    job = yaml.safe_load(file.read_text("utf-8"))["spec"]["template"]["spec"]["replicatedJobs"][0]
    spec = {**job["template"]["spec"]["template"]["spec"], "restartPolicy": "Never"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": spec}


def merged(kubectl: Kubectl, pod: Manifest, patch: Manifest, file: Path) -> dict[str, Any]:
    """The pod with a patch, as Kubernetes' own strategic merge makes it."""
    file.write_text(json.dumps(pod), "utf-8")
    words = ("patch", "--local", "-f", str(file), "--type", "strategic", "-p", json.dumps(patch), "-o", "json")
    found = json.loads(kubectl(*words))
    assert isinstance(found, dict)
    return found


def refusals(client: Client, namespace: str, pods: list[dict[str, Any]]) -> list[MlstackError]:
    def create(pod: dict[str, Any]) -> None:
        placed = {**pod, "metadata": {"name": "x", "namespace": namespace}}
        objects.create(client, well_known("v1", "Pod"), placed, manager="test", dry_run=True)

    return [said for said in client.map(create, pods) if isinstance(said, MlstackError)]


def test_its_pods_are_admitted_at_the_level_that_it_states(
    client: Client, levels: dict[str, str], kubectl: Kubectl, patches: list[Manifest], tmp_path: Path
) -> None:
    assert len(patches) > 5
    torch = [merged(kubectl, runtime_pod("torch"), patch, tmp_path / "pod.json") for patch in patches]
    others = [merged(kubectl, runtime_pod(name), patches[0], tmp_path / "pod.json") for name in RUNTIMES[1:]]
    stated = catalogue()["train-job"].pod_security
    assert stated == "baseline"
    assert refusals(client, levels[stated], [*torch, *others]) == []
    # With run_as_user they pass the stricter level as well, which the prototype does not ask of everybody.
    plain = [pod for pod in torch if "runAsUser" not in json.dumps(pod)]
    stricter = refusals(client, levels["restricted"], plain)
    assert 0 < len(plain) == len(stricter), "it could state a stricter level"
    assert all(isinstance(error, DeniedError) and "runAsNonRoot" in str(error) for error in stricter)
