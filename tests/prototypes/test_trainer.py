"""train-job: what goes to the trainer, and what only a patch of its runtime can say."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.compose.schemas import validate
from mlstack.errors import MlstackError
from tests.upstream.crds import crd

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]


@pytest.fixture
def job(one: One) -> Callable[..., dict[str, Any]]:
    """`job(**values)`: the TrainJob's spec."""

    def spec(platform: str = "generic", **values: Any) -> dict[str, Any]:
        return dict(one("TrainJob", "train-job", platform, **values)["spec"])

    return spec


def pods(spec: dict[str, Any], number: int = 0) -> dict[str, Any]:
    """The pod spec of a replicated job's patch."""
    (patch,) = spec["runtimePatches"]
    replicated = patch["trainingRuntimeSpec"]["template"]["spec"]["replicatedJobs"][number]
    return dict(replicated["template"]["spec"]["template"]["spec"])


def test_without_parameters_the_runtime_says_what_runs(job: One) -> None:
    spec = job()
    assert spec["runtimeRef"] == {
        "apiGroup": "trainer.kubeflow.org",
        "kind": "ClusterTrainingRuntime",
        "name": "torch-distributed",
    }
    assert set(spec["trainer"]) == {"env", "numNodes", "numProcPerNode", "resourcesPerNode"}


@pytest.mark.parametrize(
    ("values", "processes"),
    [({}, 1), ({"num_gpus": 4}, 4), ({"num_proc_per_node": 8}, 8), ({"cpu": "16"}, 1)],
)
def test_a_node_has_a_process_for_each_gpu_and_not_for_each_cpu(
    values: dict[str, Any], processes: int, job: One
) -> None:
    assert job(**values)["trainer"]["numProcPerNode"] == processes


def test_resources_of_a_node(job: One) -> None:
    trainer = job(num_gpus=2, num_workers=3)["trainer"]
    assert trainer["numNodes"] == 3
    assert trainer["resourcesPerNode"] == {
        "requests": {"cpu": "4", "memory": "16Gi", "nvidia.com/gpu": "2"},
        "limits": {"memory": "16Gi", "nvidia.com/gpu": "2"},
    }


def test_variables_go_to_the_trainer_and_the_rest_of_the_pod_into_the_patch(job: One) -> None:
    spec = job(
        "gke", num_gpus=1, accelerator_type="l4", env={"LEVEL": "debug"}, data_pvc="flowers", node_selector={"a": "b"}
    )
    assert {"name": "LEVEL", "value": "debug"} in spec["trainer"]["env"]
    found = pods(spec)
    assert found["nodeSelector"] == {"cloud.google.com/gke-accelerator": "nvidia-l4", "a": "b"}
    (container,) = found["containers"]
    # Trainer refuses variables in a patch of the container called node.
    assert set(container) == {"name", "securityContext", "volumeMounts"}
    assert {"name": "data", "mountPath": "/data"} in container["volumeMounts"]
    assert {"name": "data", "persistentVolumeClaim": {"claimName": "flowers"}} in found["volumes"]


def test_the_patch_has_a_manager_as_trainer_wants_it(job: One) -> None:
    assert [patch["manager"] for patch in job()["runtimePatches"]] == ["mlstack.dev/train-job"]  # domain/path


def test_each_replicated_job_gets_the_patch(job: One) -> None:
    spec = job(replicated_jobs=["node", "launcher"], spot=False, tolerations=[{"key": "team", "operator": "Exists"}])
    assert pods(spec, 0) == pods(spec, 1)
    assert pods(spec, 1)["tolerations"] == [{"key": "team", "operator": "Exists"}]


def test_a_queued_job_does_not_say_whether_it_is_suspended(one: One, job: One) -> None:
    queued = one("TrainJob", "train-job", queue="team-a")
    assert queued["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert "suspend" not in queued["spec"]
    assert job(suspend=True)["suspend"] is True


def test_packages_are_installed_before_the_program(job: One, tmp_path: Path) -> None:
    names = ["einops==0.8.1", 'tomli==2.0.1; python_version < "3.11"']
    spec = job(pip=names, command=["torchrun", "/train.py"], args=["--lr", "0.1"])
    shell, flag, script, *words = spec["trainer"]["command"]
    assert words == ["sh", "torchrun", "/train.py"]
    env = {entry["name"]: entry.get("value") for entry in spec["trainer"]["env"]}
    assert env["MLSTACK_PIP"].split("\n") == names
    assert env["PYTHONPATH"] in script
    # With a pip that only shows what it was told to read, and the folder of this test.
    shown = script.replace("/opt/mlstack/packages", ".").replace("python -m pip", "told")
    told = 'told() { while [ "$1" != -r ]; do shift; done; cat "$2"; }\n'
    done = subprocess.run(
        [shell, flag, told + shown, "sh", "echo", "run"],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
        env={"MLSTACK_PIP": env["MLSTACK_PIP"], "PATH": "/usr/bin:/bin"},
    )
    assert done.stdout.splitlines() == [*names, "run"]


def test_what_runs_before_the_runtimes_own_program_cannot_be(show: Show) -> None:
    with pytest.raises(MlstackError, match="command is empty, and the runtime's own program is not known"):
        show("train-job", pip=["einops==0.8.1"])


def test_parameters_that_the_kind_has_no_field_for_are_none(catalogue: dict[str, Prototype]) -> None:
    absent = {"backoff_limit", "clean_pod_policy", "gang", "image_pull_policy", "port", "priority_class", "ttl_s"}
    assert absent.isdisjoint(catalogue["train-job"].parameters)
    assert catalogue["train-job"].parameter("num_nodes").name == "num_workers"


def test_the_job_is_valid_by_trainers_own_definition(show: Show) -> None:
    full = {
        "args": ["--lr=0.1"], "command": ["torchrun", "/t.py"], "data_pvc": "flowers", "env": {"A": "b"},
        "image": "registry.example.com/llm:1", "image_pull_secrets": ["registry"], "labels": {"team": "a"},
        "num_gpus": 2, "pip": ["einops==0.8.1"], "queue": "team-a", "service_account": "trainer",
        "tolerations": [{"key": "team", "operator": "Exists"}], "active_deadline_s": 60,
    }  # fmt: skip
    for values in ({}, {"num_gpus": 1}, full):
        assert [str(problem) for problem in validate(show("train-job", **values).manifests, [crd("TrainJob")])] == []
