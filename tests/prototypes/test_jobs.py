"""tf-job and tf-cnn: roles, resources, volumes, and what makes a new run."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest

from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Rendered
from mlstack.errors import MlstackError

Show = Callable[..., Rendered]
One = Callable[..., dict[str, Any]]


def roles(job: dict[str, Any]) -> dict[str, int]:
    return {role: spec["replicas"] for role, spec in job["spec"]["tfReplicaSpecs"].items()}


def container(job: dict[str, Any], role: str = "Worker") -> dict[str, Any]:
    (found,) = job["spec"]["tfReplicaSpecs"][role]["template"]["spec"]["containers"]
    assert found["name"] == "tensorflow"  # the operator looks for this name
    return dict(found)


def variables(job: dict[str, Any], role: str = "Worker") -> dict[str, str]:
    return {entry["name"]: entry["value"] for entry in container(job, role)["env"]}


@pytest.mark.parametrize(
    ("prototype", "values", "found"),
    [
        ("tf-cnn", {}, {"Worker": 1}),
        ("tf-cnn", {"num_workers": 4}, {"Worker": 4}),
        ("tf-cnn", {"num_workers": 4, "num_ps": 2}, {"Chief": 1, "Worker": 4, "PS": 2}),
        ("tf-job", {}, {"Worker": 1}),
        ("tf-job", {"num_masters": 1, "num_workers": 0}, {"Chief": 1}),
        (
            "tf-job",
            {"num_masters": 1, "num_ps": 2, "num_workers": 3, "evaluator": True, "command": ["python", "train.py"]},
            {"Chief": 1, "Worker": 3, "PS": 2, "Evaluator": 1},
        ),
        (
            "tf-cnn",
            {"scale": "50%", "resolved": {"for": "50%", "num_workers": 3, "num_gpus": 2}, "num_workers": 9},
            {"Worker": 3},
        ),
    ],
)
def test_processes_of_a_job(prototype: str, values: dict[str, Any], found: dict[str, int], one: One) -> None:
    assert roles(one("TFJob", prototype, **values)) == found


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"name": "a" * 52}, "name must be a name of at most 51 lower-case letters"),
        ({"name": "2nd-run"}, "which begins with a letter, got 2nd-run"),
        ({"num_workers": 0}, "nothing would train"),
        ({"scale": "max"}, "scale max is not resolved for this cluster"),
        ({"evaluator": True}, "evaluator needs command with the training operator"),
        ({"restart_policy": "ExitCode"}, "backoff_limit 3 never ends the job"),
        ({"scale": "4", "resolved": {"for": "max", "num_workers": 1, "num_gpus": 1}}, "scale 4 is not resolved"),
    ],
)
def test_jobs_that_cannot_be(values: dict[str, Any], says: str, show: Show) -> None:
    with pytest.raises(MlstackError) as error:
        show("tf-job", **values)
    assert says in str(error.value)


@pytest.mark.parametrize(
    ("values", "cpu", "memory"),
    [
        ({}, "1", "2Gi"),
        ({"num_gpus": 1}, "2", "8Gi"),
        ({"num_gpus": 4}, "8", "32Gi"),
        ({"num_gpus": 4, "cpu": "1500m", "memory": "1.5Gi"}, "6000m", "6Gi"),
        ({"num_gpus": 3, "cpu": "0.5", "memory": "1G"}, "1.5", "3G"),
        ({"cpu": "250m", "memory": "1e9"}, "250m", "1e9"),
    ],
)
def test_cpu_and_memory_are_per_gpu_if_there_are_any(values: dict[str, Any], cpu: str, memory: str, one: One) -> None:
    for prototype in ("tf-job", "tf-cnn"):
        resources = container(one("TFJob", prototype, **values))["resources"]
        assert (resources["requests"]["cpu"], resources["requests"]["memory"]) == (cpu, memory)
        assert resources["limits"]["memory"] == memory
        assert resources["limits"].get("nvidia.com/gpu") == (str(values["num_gpus"]) if "num_gpus" in values else None)


def test_only_what_trains_has_gpus(one: One) -> None:
    for prototype, beside in (("tf-cnn", {}), ("tf-job", {"num_masters": 1, "evaluator": True, "command": ["train"]})):
        job = one("TFJob", prototype, num_ps=1, num_gpus=1, num_workers=2, **beside)
        for role in roles(job):
            has = "nvidia.com/gpu" in container(job, role)["resources"]["limits"]
            assert has == (role == "Worker")
            assert ("NVIDIA_VISIBLE_DEVICES" in variables(job, role)) == (not has)
            assert "tolerations" in job["spec"]["tfReplicaSpecs"][role]["template"]["spec"] or not has


CLUSTERS = [
    {"chief": ["c:1"], "evaluator": ["e:1"], "ps": ["p:1"], "worker": ["w:1", "v:1"]},
    {"chief": ["c:1"], "evaluator": ["e:1"]},
    {"evaluator": ["e:1"], "worker": ["w:1"]},
]


@pytest.mark.parametrize("cluster", CLUSTERS)
@pytest.mark.parametrize("role", ["chief", "evaluator"])
def test_an_evaluator_is_not_part_of_the_training_cluster(cluster: dict[str, Any], role: str, one: One) -> None:
    """The operator's TF_CONFIG, as Go writes it, as the program sees it."""
    tell = ["sh", "-c", 'printf %s "$TF_CONFIG"']
    job = one("TFJob", "tf-job", num_masters=1, num_ps=1, num_workers=2, evaluator=True, command=tell)
    config = {"cluster": cluster, "task": {"type": role, "index": 0}, "environment": "cloud"}
    given = json.dumps(config, separators=(",", ":"))
    for one_role in roles(job):
        command = container(job, one_role)["command"]
        told = subprocess.run(
            command, env={**os.environ, "TF_CONFIG": given}, capture_output=True, text=True, check=True
        )
        trained = {name: hosts for name, hosts in cluster.items() if name != "evaluator"}
        assert json.loads(told.stdout) == {**config, "cluster": trained}


def test_without_an_evaluator_nothing_stands_before_the_program(one: One) -> None:
    assert container(one("TFJob", "tf-job", command=["python", "train.py"]))["command"] == ["python", "train.py"]


@pytest.mark.parametrize("prototype", ["tf-cnn", "tf-job", "pytorch-job", "paddle-job"])
def test_restarts_that_nobody_counts_are_refused(prototype: str, show: Show) -> None:
    """The operator counts the containers' restarts; by ExitCode it makes new pods, which have none."""
    with pytest.raises(MlstackError, match="restart_policy ExitCode would restart a killed process for ever"):
        show(prototype, restart_policy="ExitCode")
    show(prototype, restart_policy="ExitCode", backoff_limit=0)
    if prototype != "paddle-job":
        show(prototype, restart_policy="ExitCode", runner="native")


def test_a_chief_without_servers_trains_too(one: One) -> None:
    job = one("TFJob", "tf-job", num_masters=1, num_gpus=1)
    assert container(job, "Chief")["resources"] == container(job, "Worker")["resources"]


def test_gpus_bring_their_image_and_shared_memory(one: One) -> None:
    job = one("TFJob", "tf-cnn", num_gpus=1)
    assert container(job)["image"] == "docker.io/tensorflow/tensorflow:2.17.0-gpu"
    volumes = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["volumes"]
    assert {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": "2Gi"}} in volumes
    assert container(one("TFJob", "tf-cnn"))["image"] == "docker.io/tensorflow/tensorflow:2.17.0"
    assert "volumes" not in one("TFJob", "tf-job")["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]


def test_success_is_worker_0s_unless_said_otherwise(one: One) -> None:
    assert "successPolicy" not in one("TFJob", "tf-job")["spec"]
    assert one("TFJob", "tf-job", success_policy="AllWorkers")["spec"]["successPolicy"] == "AllWorkers"


def test_a_finished_job_leaves_no_servers_behind(one: One) -> None:
    for prototype in ("tf-job", "tf-cnn"):
        policy = one("TFJob", prototype)["spec"]["runPolicy"]
        assert policy == {"backoffLimit": 3, "cleanPodPolicy": "Running", "ttlSecondsAfterFinished": 86400}


def test_a_queued_job_does_not_say_whether_it_is_suspended(one: One) -> None:
    job = one("TFJob", "tf-cnn", queue="team-a")
    assert job["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team-a"
    assert "suspend" not in job["spec"]["runPolicy"]
    assert one("TFJob", "tf-cnn", suspend=True)["spec"]["runPolicy"]["suspend"] is True


def test_the_script_is_named_by_its_content(one: One, catalogue: dict[str, Prototype]) -> None:
    script, job = one("ConfigMap", "tf-cnn"), one("TFJob", "tf-cnn")
    assert script["immutable"] is True
    assert script["data"] == catalogue["tf-cnn"].files
    name = script["metadata"]["name"]
    volumes = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["volumes"]
    assert volumes == [{"name": "script", "configMap": {"name": name}}]
    assert container(job)["volumeMounts"] == [{"name": "script", "mountPath": "/opt/mlstack", "readOnly": True}]
    assert one("ConfigMap", "tf-cnn", num_gpus=4)["metadata"]["name"] == name  # parameters are not the script
    assert name.startswith("x-script-")
    assert len(name) == len("x-script-") + 10


def test_the_command_line_says_the_parameters(one: One) -> None:
    command = container(one("TFJob", "tf-cnn", batch_size=64, fp16=True, num_gpus=2, model="resnet18"))["command"]
    assert command[:2] == ["python", "/opt/mlstack/tf_cnn.py"]
    assert {"--batch-size=64", "--fp16", "--num-gpus=2", "--model=resnet18"} <= set(command)


@pytest.mark.parametrize(
    ("prototype", "name", "value", "path", "claim"),
    [
        ("tf-job", "model_dir", "pvc://models/flowers/v1", "/mnt/models/flowers/v1", "models"),
        ("tf-job", "model_dir", "pvc://models", "/mnt/models", "models"),
        ("tf-job", "model_dir", "gs://bucket/flowers", "gs://bucket/flowers", None),
        ("tf-job", "model_dir", "s3://bucket/flowers", "s3://bucket/flowers", None),
        ("tf-cnn", "export_dir", "pvc://models/cnn", "/mnt/models/cnn", "models"),
        ("tf-cnn", "export_dir", "gs://bucket/cnn", "gs://bucket/cnn", None),
    ],
)
def test_models_go_to_buckets_and_claims(
    prototype: str, name: str, value: str, path: str, claim: str | None, one: One
) -> None:
    job = one("TFJob", prototype, **{name: value})
    told = variables(job).get("MODEL_DIR") or container(job)["command"][-1].removeprefix("--export-dir=")
    assert told == path
    volumes = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"].get("volumes", [])
    claims = [volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume]
    assert claims == ([claim] if claim else [])
    mounts = {mount["mountPath"] for mount in container(job).get("volumeMounts", [])}
    assert (f"/mnt/{claim}" in mounts) == bool(claim)


def test_tensorflow_cannot_export_to_s3(show: Show) -> None:
    with pytest.raises(MlstackError, match=r"TensorFlow cannot write to s3://"):
        show("tf-cnn", export_dir="s3://bucket/cnn")


def test_the_benchmark_needs_no_privilege(one: One) -> None:
    spec = one("TFJob", "tf-cnn")["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["containers"][0]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_own_variables_win(one: One) -> None:
    job = one("TFJob", "tf-job", env={"PYTHONUNBUFFERED": "0", "LEVEL": "debug"}, args=["--epochs=3"])
    assert variables(job)["PYTHONUNBUFFERED"] == "0"
    assert variables(job)["LEVEL"] == "debug"
    assert container(job)["args"] == ["--epochs=3"]
    assert "command" not in container(job)


def test_a_gang_starts_with_all_its_pods(one: One) -> None:
    job = one("TFJob", "tf-job", num_masters=1, num_ps=2, num_workers=3, gang="volcano")
    assert job["spec"]["runPolicy"]["schedulingPolicy"] == {"minAvailable": 6}
    specs = [spec["template"]["spec"] for spec in job["spec"]["tfReplicaSpecs"].values()]
    assert {spec["schedulerName"] for spec in specs} == {"volcano"}
    plain = one("TFJob", "tf-job")
    assert "schedulingPolicy" not in plain["spec"]["runPolicy"]
    assert "schedulerName" not in plain["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]


def test_variables_from_secrets_win_over_plain_ones(one: One) -> None:
    secrets = {"TOKEN": "hub/token", "KEY": {"name": "aws", "key": "id"}}
    job = one("TFJob", "tf-job", env={"TOKEN": "plain", "LEVEL": "debug"}, secret_env=secrets)
    entries = {entry["name"]: entry for entry in container(job)["env"]}
    assert len(entries) == len(container(job)["env"])
    assert entries["TOKEN"] == {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "hub", "key": "token"}}}
    assert entries["KEY"] == {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "aws", "key": "id"}}}
    assert entries["LEVEL"]["value"] == "debug"


@pytest.mark.parametrize("wrong", ["hf_word", {"value": "hf_word"}, {"name": "hf_word"}, "generate", "a/b/c"])
def test_a_secret_where_its_name_belongs_is_not_shown(wrong: Any, show: Show) -> None:
    with pytest.raises(MlstackError) as error:
        show("tf-job", secret_env={"TOKEN": wrong})
    assert "the value that it has is not shown" in str(error.value)
    assert "hf_word" not in str(error.value)
