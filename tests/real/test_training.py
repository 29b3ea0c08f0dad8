"""tf-cnn on a real node: alone, all-reduce and parameter servers; its model exported, served and asked."""

from __future__ import annotations

import json
import signal
import urllib.request
from typing import Any

import pytest

from tests.real.place import SMALL, Place, until

QUICK = ("--model=trivial", "--batch_size=8", "--num_steps=20", "--warmup_steps=2", *SMALL)
MODES = [
    pytest.param("single", "single", 1, (), id="single"),
    pytest.param("reduce", "allreduce", 2, ("--num_workers=2",), id="all-reduce"),
    pytest.param("servers", "ps", 2, ("--num_workers=2", "--num_ps=1", "--ps_cpu=100m"), id="parameter server"),
]


@pytest.mark.parametrize(("name", "mode", "replicas", "parameters"), MODES)
def test_the_benchmark(stack: Place, name: str, mode: str, replicas: int, parameters: tuple[str, ...]) -> None:
    stack.do("generate", "tf-cnn", name, *QUICK, *parameters)
    stack.do("apply", "minikube", "-c", name, "--wait", "finished")
    conditions = stack.get("tfjob", name)["status"]["conditions"]
    assert conditions[-1]["type"] == "Succeeded"
    start, done = stack.facts(name, "start"), stack.facts(name, "done")
    assert (start["mode"], start["replicas"], start["gpus"]) == (mode, replicas, 0)
    assert (done["steps"], done["replicas"]) == (20, replicas)
    assert done["images_per_second"] > 0
    print(f"{name}: {done['images_per_second']} images per second with {replicas} of {mode}")
    assert [left for left in stack.left() if left.startswith(f"pod/{name}-")]
    stack.do("delete", "minikube", "-c", name, "--yes")
    until(lambda: not [left for left in stack.left() if f"/{name}-" in left], f"{name} to be gone")


def predict(address: str, images: Any) -> Any:
    request = urllib.request.Request(f"{address}:predict", data=json.dumps({"instances": images}).encode())
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())["predictions"]


def test_its_model_is_served(stack: Place) -> None:
    """By a small server with TensorFlow Serving's paths and states under the serving image's name."""
    stack.claim("models")
    stack.do("generate", "tf-serving", "flowers", "--model_path=pvc://models/flowers", "--poll_s=1", *SMALL)
    stack.do("apply", "minikube", "-c", "flowers", "--no-wait")
    until(lambda: "Running" in stack.kubectl("get", "pods", "-l", "app=flowers"), "the server's pod", 90)
    assert stack.get("deployment", "flowers")["status"].get("readyReplicas", 0) == 0, "ready without a model"
    stack.do("generate", "tf-cnn", "train", *QUICK, "--export_dir=pvc://models/flowers")
    stack.do("apply", "minikube", "-c", "train", "--wait", "finished")
    assert stack.facts("train", "exported")["directory"] == "/mnt/models/flowers/1"
    stack.do("wait", "minikube", "-c", "flowers")
    with stack.start("port-forward", "minikube", "svc/flowers", "0:8501") as forward:
        assert forward.stdout
        host = next(line for line in forward.stdout if "127.0.0.1:" in line and "Ctrl-C" in line).split()[1]
        address = f"http://{host}/v1/models/flowers"
        with urllib.request.urlopen(address, timeout=30) as answer:
            versions = json.loads(answer.read())["model_version_status"]
        assert [(version["version"], version["state"]) for version in versions] == [("1", "AVAILABLE")]
        image = [[[0.5, 0.5, 0.5]] * 64] * 64
        assert [len(row) for row in predict(address, [image, image])] == [1000, 1000]
        forward.send_signal(signal.SIGINT)
    stack.do("delete", "minikube", "-c", "flowers", "-c", "train", "--yes")
    until(lambda: not [left for left in stack.left() if "flowers" in left or "train-" in left], "all to be gone")
    assert "persistentvolumeclaim/models" in stack.left()
