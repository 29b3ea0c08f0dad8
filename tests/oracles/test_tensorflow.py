"""TF_CONFIG as TensorFlow's own resolver reads it, and a training with parameter servers beside an evaluator."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlstack.bundled import bundled
from tests.prototypes.showing import show
from tests.prototypes.test_native import container, jobs_of, told

pytestmark = pytest.mark.slow

FILES = Path(__file__).with_name("files")
BESIDE: dict[str, Any] = {
    "num_masters": 1,
    "num_ps": 1,
    "num_workers": 1,
    "evaluator": True,
    "command": ["python", "train.py"],
}
BRIEF = ["--model=trivial", "--batch-size=4", "--num-steps=2", "--warmup-steps=1", "--display-every=1"]


@pytest.fixture(scope="module")
def configs() -> dict[str, dict[str, Any]]:
    """TF_CONFIG of each process by role, with addresses of this machine."""
    jobs = jobs_of(show("tf-job", runner="native", **BESIDE))
    found = [told(job, index) for job in jobs.values() for index in range(job["spec"]["completions"])]
    text = json.dumps({one["task"]["type"]: one for one in found})
    with contextlib.ExitStack() as stack:
        for host in sorted(set(re.findall(r'"(x-[^"]+:2222)"', text))):
            free = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
            text = text.replace(host, f"127.0.0.1:{free.getsockname()[1]}")
    return dict(json.loads(text))


def test_the_evaluator_is_a_task_and_not_in_the_cluster(tensorflow: Path, configs: dict[str, Any]) -> None:
    assert set(configs) == {"chief", "worker", "ps", "evaluator"}
    given = json.dumps([json.dumps(config) for config in configs.values()])
    done = subprocess.run([tensorflow, FILES / "resolver"], input=given, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for role, seen in zip(configs, json.loads(done.stdout), strict=True):
        assert (seen["type"], seen["index"]) == (role, 0)
        assert set(seen["cluster"]) == {"chief", "worker", "ps"}


@contextlib.contextmanager
def running(tensorflow: Path, config: dict[str, Any]) -> Iterator[subprocess.Popen[str]]:
    """One process of tf-cnn's program in that role."""
    program = bundled("prototypes") / "tf-job" / "tf-cnn" / "files" / "tf_cnn.py"
    environ = {**os.environ, "TF_CONFIG": json.dumps(config)}
    process = subprocess.Popen(
        [tensorflow, program, *BRIEF], env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def test_a_training_with_servers_ends_beside_an_evaluator(tensorflow: Path, configs: dict[str, Any]) -> None:
    with contextlib.ExitStack() as stack:
        for role in ("ps", "worker"):
            stack.enter_context(running(tensorflow, configs[role]))
        chief = stack.enter_context(running(tensorflow, configs["chief"]))
        said, _ = chief.communicate(timeout=300)
    assert chief.returncode == 0, said
    assert '"event": "done"' in said


def test_the_operators_configuration_becomes_the_same(configs: dict[str, Any]) -> None:
    """The line before the program takes the evaluator out of what the operator writes."""
    job = next(one for one in show("tf-job", **BESIDE).manifests if one["kind"] == "TFJob")
    tell = ["sh", "-c", 'printf %s "$TF_CONFIG"']
    for role, spec in job["spec"]["tfReplicaSpecs"].items():
        config = configs[role.lower()]
        operated = {**config, "cluster": {**config["cluster"], "evaluator": ["x-evaluator-0.team.svc:2222"]}}
        command = container({"spec": {"template": spec["template"]}})["command"]
        start = command[: command.index("python")]
        given = json.dumps(operated, separators=(",", ":"), sort_keys=True)
        environ = {**os.environ, "TF_CONFIG": given}
        done = subprocess.run([*start, *tell], env=environ, capture_output=True, text=True, check=True)
        assert json.loads(done.stdout) == config
