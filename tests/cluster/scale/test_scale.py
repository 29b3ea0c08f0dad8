"""The catalogue's jobs at 20 times the size of the real node's, with GPUs: the real training operator, Kubernetes' own
Jobs and the real scheduler, on one control plane whose nodes and pods are simulated.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlstack import sandbox
from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]
NAME = "large"
GPU = "nvidia.com/gpu"
MODEL = "cloud.google.com/gke-accelerator"
ROLE = "training.kubeflow.org/replica-type"
A100, L4 = "nvidia-tesla-a100", "nvidia-l4"
PER_NODE = 8
HELD = {"sim/mode": "forever"}  # pods of jobs run until they are told otherwise, so that a look sees them all
IMAGE = "registry.example.com/train:1"
SHARED = {"num_workers": "40", "num_gpus": "1", "cpu": "1", "memory": "1Gi"}


@dataclass(frozen=True)
class Case:
    """A component: its prototype and parameters, its pods by role, how many of them have a GPU, and of which model."""

    prototype: str
    values: Mapping[str, str]
    pods: Mapping[str, int]
    objects: Sequence[str]
    gpus: int = 40
    model: str = A100


CASES = {
    "allreduce": Case("tf-cnn", {}, {"worker": 40}, ["tfjob/allreduce"]),
    "alone": Case(
        "pytorch-job",
        {"command": "python,train.py", "runner": "native", "accelerator_type": "l4"},
        {"worker": 40},
        ["job/alone-worker"],
        model=L4,
    ),
    "servers": Case(
        "tf-job",
        {"image": IMAGE, "command": "python,train.py", "num_masters": "1", "num_ps": "20"},
        {"chief": 1, "worker": 40, "ps": 20},
        ["tfjob/servers"],
    ),
    "torch": Case("pytorch-job", {"command": "python,train.py"}, {"master": 1, "worker": 39}, ["pytorchjob/torch"]),
    "mpi": Case(
        "mpi-job",
        {"image": IMAGE, "image_gpu": IMAGE, "command": "mpirun,train"},
        {"launcher": 1, "worker": 40},
        ["mpijob/mpi"],
    ),
    "paddle": Case("paddle-job", {"image": IMAGE, "image_gpu": IMAGE}, {"worker": 40}, ["paddlejob/paddle"]),
    "native": Case(
        "tf-job",
        {
            "image": IMAGE,
            "command": "python,train.py",
            "num_masters": "1",
            "num_ps": "20",
            "runner": "native",
            "accelerator_type": "l4",
        },
        {"chief-1.ps-20": 21, "worker": 40},
        ["job/native-main", "job/native-worker"],
        model=L4,
    ),
    # The driver makes its executors itself, and simulated drivers make none.
    "spark": Case(
        "spark-application",
        {"main_file": "local:///opt/pi.py", "executors": "40", "num_gpus": "0"},
        {"driver": 1},
        ["job/spark"],
        gpus=0,
    ),
}
QUICK = ("allreduce", "alone")


def nodes() -> list[dict[str, Any]]:
    """26 nodes with 8 A100, 12 with 8 L4, all tainted as GKE's are, and 4 without."""
    pools = ((26, "a100", A100), (12, "l4", L4), (4, "cpu", ""))
    return [_node(f"{pool}-{index}", model) for count, pool, model in pools for index in range(count)]


def _node(name: str, model: str) -> dict[str, Any]:
    size = {"cpu": "64", "memory": "256Gi", "ephemeral-storage": "100Gi", "pods": "110"} | (
        {GPU: str(PER_NODE)} if model else {}
    )
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {MODEL: model} if model else {}},
        "spec": {"taints": [{"key": GPU, "value": "present", "effect": "NoSchedule"}] if model else []},
        "status": {"allocatable": size},
    }


@pytest.fixture(scope="module")
def large(session_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """A control plane of its own: the operator serves a whole cluster, and 288 GPUs are this module's."""
    file: Path = tmp_path_factory.mktemp("large") / "nodes.yaml"
    file.write_text(yaml.safe_dump_all(nodes()), "utf-8")
    try:
        yield sandbox.up(NAME, like="gke", context=NAME, nodes_file=file, progress=lambda _: None)
    finally:
        sandbox.down(NAME)


@pytest.fixture(scope="module")
def app(large: Sandbox, new_app: Callable[[str], Any]) -> Any:
    """An app with the operator, applied, and with every case, not applied."""
    made = new_app("scale")
    made.do("env", "add", NAME, "--platform", "gke", "--namespace", "team")
    made.do("generate", "training-operator", "operator", "--schemes=tfjob,pytorchjob,paddlejob,mpijob")
    for name, case in CASES.items():
        shared = {} if case.prototype == "spark-application" else SHARED
        values = {**shared, **case.values, "annotations": json.dumps(HELD)}
        if case.prototype == "pytorch-job":
            values["num_workers"] = "39"  # the master trains, too
        made.do("generate", case.prototype, name, *(f"--{key}={value}" for key, value in values.items()))
    made.do("apply", NAME, "-c", "operator")
    return made


def pods(kubectl: Kubectl, *names: str) -> dict[str, list[dict[str, Any]]]:
    """The components' pods."""
    label = f"app.kubernetes.io/component in ({','.join(names)})"
    found = json.loads(kubectl("get", "pods", "-n", "team", "-l", label, "-o", "json", context=NAME))["items"]
    there: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for pod in found:
        there[pod["metadata"]["labels"]["app.kubernetes.io/component"]].append(pod)
    return there


def gpus(pod: Mapping[str, Any]) -> int:
    return sum(int((one["resources"].get("requests") or {}).get(GPU, 0)) for one in pod["spec"]["containers"])


def role(pod: Mapping[str, Any]) -> str:
    labels = pod["metadata"]["labels"]
    return str(labels.get(ROLE) or labels.get("training.kubeflow.org/job-role") or "driver")


def states(app: Any, names: Sequence[str]) -> dict[str, str]:
    """What `status` says of the components."""
    told = json.loads(app.do("status", NAME, *(word for name in names for word in ("-c", name)), "-o", "json"))
    return {one["name"]: one["ready"] for one in told["components"]}


def wait(app: Any, *words: str) -> None:
    """`mlstack wait`, for as long as hundreds of pods take on a busy machine."""
    with app.start("wait", NAME, *words, "--timeout", "15m") as process:
        out, err = process.communicate(timeout=960)
    assert process.returncode == 0, f"{out}{err}"


def check_placement(kubectl: Kubectl, names: Sequence[str]) -> None:
    """All pods at once: as many as asked, each GPU pod on a node of its model, no node with more than it has."""
    models = {node["metadata"]["name"]: node["metadata"]["labels"].get(MODEL, "") for node in nodes()}
    used: Counter[str] = Counter()
    for name, found in pods(kubectl, *names).items():
        case = CASES[name]
        assert Counter(map(role, found)) == Counter(case.pods), name
        assert {pod["status"]["phase"] for pod in found} == {"Running"}
        with_gpus = [pod for pod in found if gpus(pod)]
        assert sum(map(gpus, found)) == case.gpus
        if "accelerator_type" in case.values:
            assert {models[pod["spec"]["nodeName"]] for pod in with_gpus} == {case.model}
        assert {models[pod["spec"]["nodeName"]] for pod in with_gpus} <= {A100, L4}
        assert not any(models[pod["spec"]["nodeName"]] for pod in found if not gpus(pod)), "no GPU, no GPU node"
        used.update(pod["spec"]["nodeName"] for pod in with_gpus)
    assert all(count <= PER_NODE for count in used.values())


def run_and_remove(app: Any, kubectl: Kubectl, names: Sequence[str]) -> None:
    """Applied, waited for, looked at, let end, waited for, and deleted again."""
    chosen = [word for name in names for word in ("-c", name)]
    app.do("apply", NAME, *chosen, "--no-wait")
    wait(app, *chosen)
    assert set(states(app, names).values()) == {"running"}
    check_placement(kubectl, names)
    early = app.run("wait", NAME, *chosen, "--for", "finished", "--timeout", "1s")
    assert early.returncode == 3, "all run, none has ended"
    label = f"app.kubernetes.io/component in ({','.join(names)})"
    # Some go before they are told: the end of the first is the end of a native run's others.
    kubectl("annotate", "pods", "-n", "team", "-l", label, "sim/mode=ok", "--overwrite", context=NAME, check=False)
    wait(app, *chosen, "--for", "finished")
    assert set(states(app, names).values()) == {"done"}
    for name in names:
        for thing in CASES[name].objects[:1]:
            found = json.loads(kubectl("get", thing, "-n", "team", "-o", "json", context=NAME))
            true = {one["type"] for one in found["status"]["conditions"] if one["status"] == "True"}
            assert true & {"Succeeded", "Complete"}, thing
    app.do("delete", NAME, *chosen, "--yes")
    # Their owners have gone; the garbage collector takes the pods of a hundred within the minute.
    gone = ("wait", "pods", "-n", "team", "-l", label, "--for=delete", "--timeout=120s")
    kubectl(*gone, context=NAME, check=False)
    kinds = "pods,services,jobs,configmaps,tfjobs,pytorchjobs,mpijobs,paddlejobs,roles,rolebindings,serviceaccounts"
    assert kubectl("get", kinds, "-n", "team", "-l", label, "-o", "name", context=NAME) == ""


@pytest.mark.slow  # tests/cluster/test_jobs.py runs the same in small
def test_two_jobs_of_forty(app: Any, kubectl: Kubectl) -> None:
    run_and_remove(app, kubectl, QUICK)


@pytest.mark.slow
def test_the_whole_catalogue_at_once(app: Any, kubectl: Kubectl) -> None:
    run_and_remove(app, kubectl, list(CASES))
