"""Jobs in a queue of the real Kueue: what mlstack sends, says while they wait, and leaves alone."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from mlstack.sandbox import Sandbox
from tests.cluster.queues.conftest import A100, MODEL, NAME, quotas

pytestmark = pytest.mark.slow  # Kueue is built for it; test_recorded.py is its quick sibling

Kubectl = Callable[..., str]
IMAGE = "registry.example.com/train:1"
FOREVER = '--annotations={"sim/mode": "forever"}'
SMALL = ("--queue=team-a", "--num_gpus=1", "--cpu=1", "--memory=1Gi", FOREVER)
# Component: its prototype and parameters, its object, and how many GPUs it asks for.
JOBS: dict[str, tuple[tuple[str, ...], str, int]] = {
    "tf": (("tf-job", f"--image={IMAGE}", f"--image_gpu={IMAGE}", "--num_workers=2"), "tfjob/tf", 2),
    "torch": (("pytorch-job", "--command=python,train.py", "--num_workers=1"), "pytorchjob/torch", 2),
    "paddle": (("paddle-job", f"--image={IMAGE}", f"--image_gpu={IMAGE}", "--num_workers=2"), "paddlejob/paddle", 2),
    "native": (
        ("tf-job", f"--image={IMAGE}", f"--image_gpu={IMAGE}", "--num_workers=2", "--runner=native"),
        "job/native-worker",
        2,
    ),
}


@pytest.fixture(scope="module")
def app(queued: Sandbox, new_app: Callable[[str], Any], kubectl: Kubectl) -> Any:
    """An app with the operator, applied, a queue of 8 GPUs, and a job of each kind, 8 GPUs in all, not applied."""
    made = new_app("queues")
    made.do("env", "add", NAME, "--platform", "gke", "--namespace", "team")
    made.do("generate", "training-operator", "operator")
    for name, (words, _, _) in JOBS.items():
        made.do("generate", words[0], name, *words[1:], *SMALL)
    made.do("apply", NAME, "-c", "operator")
    kubectl("apply", "--server-side", "-f", "-", context=NAME, stdin=yaml.safe_dump_all(quotas(8)))
    return made


def live(kubectl: Kubectl, thing: str) -> dict[str, Any]:
    found = json.loads(kubectl("get", thing, "-n", "team", "-o", "json", context=NAME))
    assert isinstance(found, dict)
    return found


def suspended(job: dict[str, Any]) -> bool:
    spec = job["spec"]
    return bool(spec.get("runPolicy", spec).get("suspend"))


def templates(job: dict[str, Any]) -> list[dict[str, Any]]:
    spec = job["spec"]
    roles = next((spec[name] for name in spec if name.endswith("ReplicaSpecs")), {"": spec})
    return [one["template"] for one in roles.values()]


def tuned(app: Any, *words: str) -> dict[str, Any]:
    (found,) = json.loads(app.do("tune", NAME, *words, "-o", "json"))["components"]
    assert isinstance(found, dict)
    return found


def test_jobs_are_admitted(app: Any, kubectl: Kubectl) -> None:
    names = [word for name in JOBS for word in ("-c", name)]
    assert tuned(app, "tf")["prospect"] == "fits"
    app.do("apply", NAME, *names, "--timeout", "110s")

    for name, (_, thing, _) in JOBS.items():
        job = live(kubectl, thing)
        assert not suspended(job), name
        assert all(one["spec"]["nodeSelector"][MODEL] == A100 for one in templates(job)), "Kueue's own"
    label = f"app.kubernetes.io/component in ({','.join(JOBS)})"
    pods = json.loads(kubectl("get", "pods", "-n", "team", "-l", label, "-o", "json", context=NAME))["items"]
    assert {pod["spec"]["nodeName"][:4] for pod in pods} == {"a100"}


def test_kinds_that_kueue_leaves_alone_are_told(app: Any, kubectl: Kubectl) -> None:
    """Its configuration, as its manifests and its chart call it."""
    config = {"controller_manager_config.yaml": yaml.safe_dump({"integrations": {"frameworks": ["batch/job"]}})}
    metadata = {"name": "kueue-manager-config", "namespace": "kueue-system"}
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": config}
    kubectl("apply", "-f", "-", context=NAME, stdin=yaml.safe_dump(made))
    try:
        told = app.run("check", NAME, "tf", "native")
    finally:
        kubectl("delete", "configmap", metadata["name"], "-n", metadata["namespace"], context=NAME)
    said = told.stdout + told.stderr
    assert "tf: queue team-a has no effect on a TFJob: Kueue is not told to look after kubeflow.org/tfjob" in said
    assert "native: queue" not in said


def test_a_job_waits_is_told_of_and_left_alone(app: Any, kubectl: Kubectl) -> None:
    """After the one above: its jobs hold the whole quota."""
    names = [word for name in JOBS for word in ("-c", name)]
    app.do("apply", NAME, *names, "--timeout", "110s")
    assert "nothing to do" in app.do("apply", NAME, *names)

    app.do("generate", "tf-job", "big", f"--image={IMAGE}", f"--image_gpu={IMAGE}", "--num_workers=3", *SMALL)
    told = app.do("apply", NAME, "-c", "big", "--no-wait")
    assert "big: 3 workers must wait: LocalQueue team-a has 0 of 8 GPUs left, and 3 are asked:" in told
    assert "holds 2" in told
    waited = app.run("wait", NAME, "-c", "big", "--timeout", "8s")
    assert waited.returncode == 3
    for said in (waited.stdout + waited.stderr, app.do("status", NAME, "-c", "big")):
        assert "waits in queue team-a: " in said
        assert "insufficient unused quota for nvidia.com/gpu in flavor a100, 3 more needed" in said
    assert suspended(live(kubectl, "tfjob/big"))
    assert "nothing to do" in app.do("apply", NAME, "-c", "big", "--no-wait")
    assert "LocalQueue team-a has 0 of 8 GPUs left" in app.do("tune", NAME, "big")
    never = tuned(app, "big", "--set", "big.num_workers=9")
    assert never["prospect"] == "never fits"
    assert never["reasons"] == ["LocalQueue team-a never has more than 8 GPUs (ClusterQueue research), and 9 are asked"]

    app.do("delete", NAME, "-c", "tf", "-c", "torch", "--yes")
    app.do("wait", NAME, "-c", "big", "--timeout", "110s")
    assert not suspended(live(kubectl, "tfjob/big"))
    assert "nothing to do" in app.do("apply", NAME, "-c", "big")
    best = tuned(app, "big")["best"]
    assert best["workers"] * best["each"] == 4, "its own GPUs make room for it; 16 are on the nodes"

    app.do("delete", NAME, *(word for name in (*JOBS, "big") for word in ("-c", name)), "--yes")
    deadline = time.monotonic() + 60
    while kubectl("get", "workloads", "-n", "team", "-o", "name", context=NAME):
        assert time.monotonic() < deadline
        time.sleep(0.5)
