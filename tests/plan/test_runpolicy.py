from __future__ import annotations

from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.plan.inventory import Owner
from mlstack.plan.runpolicy import FROM_LOGS, POLICY, with_last_words
from mlstack.plan.runs import run_hash
from mlstack.plan.wanted import wanted_objects


def job(kind: str = "Job", version: str = "batch/v1", **container: Any) -> Manifest:
    spec = {"initContainers": [{"name": "first"}], "containers": [{"name": "main", **container}]}
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x"}, "spec": {"template": {"spec": spec}}}


def policies(manifest: Manifest) -> list[str | None]:
    spec = manifest["spec"]["template"]["spec"]
    return [one.get(POLICY) for one in (*spec["initContainers"], *spec["containers"])]


def test_failed_containers_leave_the_end_of_their_log() -> None:
    plain = job()
    assert policies(with_last_words(plain)) == [FROM_LOGS, FROM_LOGS]
    assert policies(plain) == [None, None]  # what was rendered stays as it is
    assert policies(with_last_words(job(**{POLICY: "File"}))) == [FROM_LOGS, "File"]


def test_a_patch_of_a_runtimes_pods_has_no_such_field() -> None:
    patched = job("TrainJob", "trainer.kubeflow.org/v1alpha1")
    assert policies(with_last_words(patched)) == [None, None]


def test_a_run_is_the_same_run_and_a_state_is_left_alone() -> None:
    """An upgrade of mlstack starts no job again and restarts no Deployment."""
    owner = Owner("shop", "gke", "mlstack-1-2", "n", "mlstack-1-2")
    found = {one.key.kind: one for one in wanted_objects({"a": [job(), job("Deployment", "apps/v1")]}, owner)}
    assert found["Job"].run == run_hash(job())
    assert policies(found["Job"].manifest) == [FROM_LOGS, FROM_LOGS]
    assert policies(found["Deployment"].manifest) == [None, None]
