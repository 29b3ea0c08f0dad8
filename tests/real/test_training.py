"""tf-cnn on a real node: alone, all-reduce and parameter servers; its model exported, served and asked."""

from __future__ import annotations

import json
import urllib.request
from typing import Any

import pytest

from tests.real.forwarded import Typed
from tests.real.place import SMALL, Place, until
from tools.realnode.recipes import default

QUICK = ("--model=trivial", "--batch_size=8", "--num_steps=20", "--warmup_steps=2", *SMALL)
MODES = [
    pytest.param("single", "single", 1, (), id="single", marks=pytest.mark.slow),  # as what is served below is trained
    pytest.param("reduce", "allreduce", 2, ("--num_workers=2",), id="all-reduce"),
    pytest.param(
        "servers",
        "ps",
        2,
        ("--num_workers=2", "--num_ps=1", "--ps_cpu=100m"),
        id="parameter server",
        marks=pytest.mark.slow,
    ),
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
    with Typed(stack, "serving", "minikube", "flowers", "--port", "0") as command:
        address = command.find(r"flowers is ready: (http://\S+)")
        assert address.endswith("/v1/models/flowers")
        with urllib.request.urlopen(address, timeout=30) as answer:
            versions = json.loads(answer.read())["model_version_status"]
        assert [(version["version"], version["state"]) for version in versions] == [("1", "AVAILABLE")]
        image = [[[0.5, 0.5, 0.5]] * 64] * 64
        assert [len(row) for row in predict(address, [image, image])] == [1000, 1000]
    stack.do("delete", "minikube", "-c", "flowers", "-c", "train", "--yes")
    until(lambda: not [left for left in stack.left() if "flowers" in left or "train-" in left], "all to be gone")
    assert "persistentvolumeclaim/models" in stack.left()


CURVE = """
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.event_file_writer import EventFileWriter
writer = EventFileWriter("/runs/cnn")
for step in range(10):
    value = Summary.Value(tag="loss", simple_value=7 - step / 2)
    writer.add_event(Event(wall_time=step, step=step, summary=Summary(value=[value])))
writer.close()
"""


def writer_pod() -> str:
    """What writes a curve onto the claim `runs`, as a training does: with the TensorFlow image's own TensorBoard."""
    container = {
        "name": "main",
        "image": default("tf-cnn", "image"),
        "command": ["python3", "-c", CURVE],
        "volumeMounts": [{"name": "runs", "mountPath": "/runs"}],
    }
    volumes = [{"name": "runs", "persistentVolumeClaim": {"claimName": "runs"}}]
    spec = {"restartPolicy": "Never", "containers": [container], "volumes": volumes}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "writer"}, "spec": spec})


def test_its_curves_are_shown(stack: Place) -> None:
    stack.claim("runs")
    stack.kubectl("apply", "-f", "-", stdin=writer_pod())
    stack.do("generate", "tensorboard", "board", "--logdir=pvc://runs/cnn", "--reload_s=1", *SMALL)
    stack.do("apply", "minikube", "-c", "board")
    with Typed(stack, "tensorboard", "minikube", "--port", "0") as command:
        address = command.find(r"board is ready: (http://\S+)")

        def curve() -> Any:
            with urllib.request.urlopen(f"{address}data/plugin/scalars/tags", timeout=60) as answer:
                return json.loads(answer.read())

        until(lambda: "loss" in curve().get(".", {}), "the curve")
        with urllib.request.urlopen(f"{address}data/plugin/scalars/scalars?run=.&tag=loss", timeout=60) as answer:
            assert [value for _, _, value in json.loads(answer.read())][:2] == [7, 6.5]
    stack.do("delete", "minikube", "-c", "board", "--yes")
    stack.kubectl("delete", "pod", "writer")
    until(lambda: not [left for left in stack.left() if "board" in left], "the board to be gone")
