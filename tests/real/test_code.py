"""The user's own files in a job, changed and run again: what a day with mlstack consists of."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.real.place import SMALL, Place, until

IMAGE = "--image=docker.io/tensorflow/tensorflow:2.17.0"
PROGRAM = """import json, os
config = json.loads(os.environ.get("TF_CONFIG") or "{}")
print("edition EDITION as", config.get("task", {}).get("type", "the only one"), "of", config.get("cluster"), flush=True)
"""
# The second worker is met by the first, which ends last: a run is over, and its pods may be removed, when it has ended.
MEETING = """import socket, time
if config["task"]["index"]:
    socket.create_server(("", 2222)).accept()
else:
    for attempt in range(300):
        try:
            print("met", socket.create_connection(config["cluster"]["worker"][1].split(":"), 5), flush=True)
            break
        except OSError:
            time.sleep(0.3)
    time.sleep(4)
"""


def write(place: Place, edition: int, more: str = "") -> None:
    file = Path(place.root, "train", "train.py")
    file.parent.mkdir(exist_ok=True)
    file.write_text(PROGRAM.replace("EDITION", str(edition)) + more, "utf-8")


def test_a_changed_program_runs(stack: Place) -> None:
    write(stack, 1)
    stack.do("generate", "tf-job", "mine", IMAGE, "--code=./train", *SMALL)
    stack.do("apply", "minikube", "-c", "mine", "--wait", "finished")
    assert "edition 1 as the only one" in stack.do("logs", "minikube", "mine")
    write(stack, 2)
    began = time.monotonic()
    with stack.start("run", "minikube", "mine", "--follow", "--yes") as process:
        assert process.stdout
        assert process.stderr
        first = next((line for line in process.stdout if "edition" in line), "")
        seconds = time.monotonic() - began
        rest = process.stdout.read() + process.stderr.read()
    assert "edition 2" in first, rest
    assert process.returncode == 0, rest
    print(f"{seconds:.1f} s from `mlstack run --follow` to the first line of the new code")
    stack.do("delete", "minikube", "-c", "mine", "--yes")
    until(lambda: not [left for left in stack.left() if "/mine" in left], "mine to be gone")


@pytest.mark.parametrize("runner", ["training-operator", "native"])
def test_who_runs_it(stack: Place, runner: str) -> None:
    """Two workers that know of each other, by the operator or by Jobs of Kubernetes itself."""
    write(stack, 3, MEETING)
    name = f"by-{runner.split('-')[0]}"
    # Else the operator removes the second worker with its log.
    two = ("--num_workers=2", "--clean_pod_policy=None", f"--runner={runner}")
    stack.do("generate", "tf-job", name, IMAGE, "--code=./train", *two, *SMALL)
    stack.do("apply", "minikube", "-c", name, "--wait", "finished")
    said = stack.do("logs", "minikube", name)
    assert (said.count("edition 3 as worker"), said.count("met ")) == (2, 1), said
    stack.do("delete", "minikube", "-c", name, "--yes")
    until(lambda: not [left for left in stack.left() if f"/{name}" in left], f"{name} to be gone")
