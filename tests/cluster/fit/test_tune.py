"""tune on a real control plane: what it says fits is written, applied, and placed by the scheduler where it said."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlstack.sandbox import Sandbox

Kubectl = Callable[..., str]
FOREVER = '--annotations={"sim/mode": "forever"}'


@pytest.fixture
def app(new_app: Callable[[str], Any], gke: Sandbox, minikube: Sandbox, kubectl: Kubectl) -> Any:
    """An app with a training job in two environments, the operator included."""
    made = new_app("tuned")
    namespace = f"tune-{uuid.uuid4().hex[:8]}"
    for name in ("gke", "minikube"):
        made.do("env", "add", name, "--namespace", namespace)
    made.do("generate", "tf-cnn", "cnn", "--runner=native", FOREVER)
    yield made
    made.run("delete", "gke", "--yes")
    kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false", context="gke")


def _tuned(app: Any, *words: str) -> dict[str, Any]:
    (found,) = json.loads(app.do("tune", "gke", "cnn", "-o", "json", *words))["components"]
    assert isinstance(found, dict)
    return found


def test_what_it_says_is_what_comes(app: Any, kubectl: Kubectl) -> None:
    before = (app.root / "environments/minikube.yaml").read_bytes()
    app.do("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    found = _tuned(app)
    free = sum(row["free"] for row in found["nodes"])
    assert found["resource"] == "nvidia.com/gpu"
    assert 0 < found["best"]["workers"] * found["best"]["each"] <= free

    said = app.do("tune", "gke", "cnn", "--write")
    size = found["best"]
    assert f"cnn.num_workers = {size['workers']}" in said
    assert (app.root / "environments/minikube.yaml").read_bytes() == before
    app.do("apply", "gke", "--yes")
    namespace = json.loads(app.do("env", "list", "-o", "json"))[0]["namespace"]
    labels = "app.kubernetes.io/component=cnn"
    pods = json.loads(kubectl("get", "pods", "-n", namespace, "-l", labels, "-o", "json", context="gke"))["items"]
    workers = [pod for pod in pods if pod["spec"]["containers"][0]["resources"]["limits"].get("nvidia.com/gpu")]
    assert len(workers) == size["workers"]
    taking = {row["name"] for row in found["nodes"] if row["free"] >= size["each"]}
    assert {pod["spec"].get("nodeName") for pod in workers} <= taking

    again = _tuned(app)  # its own pods make room for it
    assert again["best"] == size
    assert again["prospect"] == "fits"
    assert "nothing to do" in app.do("apply", "gke")


def test_the_library_says_the_same(app: Any) -> None:
    """The example of docs/gpus.md, run as it stands there."""
    page = (Path(__file__).parents[3] / "docs/gpus.md").read_text("utf-8")
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    done = subprocess.run([sys.executable, "-c", example], cwd=app.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(app.do("tune", "gke", "-o", "json"))["components"]
    assert done.stdout.splitlines()[0] == f"cnn fits: {found['best']['workers']} x {found['best']['each']}"


def test_free_gpus_that_go_change_nothing_of_what_was_applied(app: Any, kubectl: Kubectl) -> None:
    """`max` stays what it came to, also when the cluster has less or more to give than then."""
    app.do("param", "set", "cnn", "num_gpus", "1")
    app.do("param", "set", "--env=gke", "cnn", "scale", "max")
    app.do("apply", "gke", "--yes")
    stored = (app.root / "environments/gke.yaml").read_bytes()
    nodes = "cloud.google.com/gke-accelerator=nvidia-l4"
    kubectl("cordon", "-l", nodes, context="gke")
    try:
        assert "nothing to do" in app.do("apply", "gke")
    finally:
        kubectl("uncordon", "-l", nodes, context="gke")
    assert (app.root / "environments/gke.yaml").read_bytes() == stored


def test_a_view_ends_with_ctrl_c(app: Any) -> None:
    with app.start("tune", "gke", "cnn", "--watch", "--interval", "1s", PYTHONUNBUFFERED="1") as watching:
        assert watching.stdout.readline().startswith("cnn asks")
        watching.send_signal(signal.SIGINT)
        _, said = watching.communicate(timeout=60)
    assert (watching.returncode, said.strip()) == (130, "Interrupted.")


def test_a_picture_in_a_file(app: Any, tmp_path: Path) -> None:
    app.do("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    drawn = tmp_path / "gke.svg"
    said = app.do("tune", "gke", "cnn", "--picture", "--svg", str(drawn))
    assert "gke-sandbox-a100-pool-0" in said
    assert "cnn may go here (1 pod)" in said
    assert "cnn may go here (1 pod)" in drawn.read_text("utf-8")
    refused = app.run("tune", "gke", "cnn", "--set", "cnn.num_gpus=0", "--svg", str(drawn))
    assert refused.returncode == 1
    assert "draws one component that asks for GPUs" in refused.stderr


def test_what_cannot_be(app: Any) -> None:
    said = app.do("tune", "gke", "cnn", "--set", "cnn.num_gpus=16")
    assert "each worker asks 16 nvidia.com/gpu, the largest node" in said
    assert "nodes may still come (autoscaling)" in said
    assert _tuned(app, "--set", "cnn.num_gpus=16")["prospect"] == "cannot tell"
    app.do("env", "set", "gke", "--autoscaling", "none")
    assert _tuned(app, "--set", "cnn.num_gpus=16")["prospect"] == "never fits"


def test_two_at_once_share_what_is_free(app: Any) -> None:
    app.do("generate", "tf-cnn", "dnn", "--runner=native", FOREVER)
    for name in ("cnn", "dnn"):
        app.do("param", "set", name, "num_gpus", "1")
        app.do("param", "set", name, "num_workers", "5")

    def best(*words: str) -> list[int]:
        found = json.loads(app.do("tune", "gke", "-o", "json", *words))["components"]
        return [one["best"]["workers"] * one["best"]["each"] for one in found]

    assert best() == [9, 9]  # each beside the other's 5
    assert best("--scale", "6") == [6, 6]
    before = app.files()
    both = app.run("tune", "gke", "--scale", "max", "--write")
    assert both.returncode == 1
    assert "dnn does not fit in gke now beside cnn: nothing was written." in both.stderr
    assert app.files() == before
    app.do("tune", "gke", "cnn", "dnn", "--scale", "7", "--write")
    assert app.do("check", "gke").splitlines()[-1].startswith("gke: nothing is in the way")


def test_scale_is_kept_with_what_it_came_to(app: Any) -> None:
    app.do("param", "set", "--env=gke", "cnn", "scale", "2")
    refused = app.run("show", "gke")
    assert refused.returncode == 1
    assert "scale 2 is not resolved for this cluster" in refused.stderr
    assert "mlstack tune gke cnn --write" in refused.stderr
    both = app.run("param", "set", "--env=gke", "cnn", "num_gpus", "1")
    assert both.returncode == 1
    assert "both say how large it is" in both.stderr
    app.do("param", "set", "cnn", "num_gpus", "1")
    app.do("tune", "gke", "cnn", "--write")
    assert 'scale: "2"' in (app.root / "environments/gke.yaml").read_text("utf-8")
    assert "nvidia.com/gpu" in app.do("show", "gke")


def test_apply_turns_scale_into_numbers_once(app: Any) -> None:
    app.do("param", "set", "--env=gke", "cnn", "scale", "2")
    for refused in (app.run("apply", "gke"), app.run("tune", "gke", "cnn")):
        assert refused.returncode == 1
        assert "cnn: scale = 2 (environments/gke.yaml:" in refused.stderr
        assert "is a number of GPUs, and its workers ask for none (num_gpus = 0, the prototype's" in refused.stderr
        assert "With GPUs: mlstack param set cnn num_gpus 1." in refused.stderr
    app.do("param", "set", "cnn", "num_gpus", "1")
    app.do("env", "set", "gke", "--protected")
    before = app.files()
    asked = app.run("apply", "gke")
    assert asked.returncode == 1
    assert "gke is protected, and stdin is not a terminal; nothing was changed." in asked.stderr
    assert 'cnn.resolved = {"for": "2"' in asked.stdout  # in the plan that is asked for
    assert app.files() == before
    app.do("env", "set", "gke", "--unprotected")
    said = app.do("apply", "gke")
    assert 'environments/gke.yaml: cnn.resolved = {"for": "2"' in said
    stored = (app.root / "environments/gke.yaml").read_text("utf-8")
    assert "nothing to do" in app.do("apply", "gke")
    assert (app.root / "environments/gke.yaml").read_text("utf-8") == stored


def test_what_can_never_fit_is_not_sent(app: Any, kubectl: Kubectl) -> None:
    app.do("param", "set", "--env=gke", "cnn", "num_gpus", "16")
    told = app.do("apply", "gke", "--dry-run")
    assert "cnn: 1 worker may have to wait: each worker asks 16 nvidia.com/gpu, the largest node" in told

    app.do("env", "set", "gke", "--autoscaling", "none")
    refused = app.run("apply", "gke")
    assert refused.returncode == 1
    assert "Error: cnn can never fit in gke: each worker asks 16 nvidia.com/gpu" in refused.stderr
    assert "and gke says autoscaling: none." in refused.stderr
    assert "num_gpus = 16, at environments/gke.yaml:" in refused.stderr
    namespace = json.loads(app.do("env", "list", "-o", "json"))[0]["namespace"]
    assert kubectl("get", "jobs,configmaps", "-n", namespace, "-l", "app.kubernetes.io/part-of", context="gke") == ""

    app.do("apply", "gke", "--no-preflight", "--no-wait")
    assert "6 nodes have fewer than 16 GPUs free" in app.do("status", "gke")
