"""The benchmark's script: arguments, roles and refusals; nothing of it needs TensorFlow."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mlstack.bundled import bundled

SCRIPT = bundled("prototypes") / "tf-job" / "tf-cnn" / "files" / "tf_cnn.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("tf_cnn", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["tf_cnn"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def config(kind: str, index: int = 0, **cluster: int) -> str:
    addresses = {role: [f"{role}-{number}:2222" for number in range(count)] for role, count in cluster.items()}
    return json.dumps({"cluster": addresses, "task": {"type": kind, "index": index}, "environment": "cloud"})


@pytest.mark.parametrize(
    ("text", "gpus", "mode", "computes", "reports"),
    [
        ("", 0, "single", True, True),
        ("", 1, "single", True, True),
        ("", 4, "mirrored", True, True),
        (config("worker", 0, worker=2), 1, "allreduce", True, True),
        (config("worker", 1, worker=2), 1, "allreduce", True, False),
        (config("chief", 0, chief=1, worker=2), 1, "allreduce", True, True),
        (config("worker", 0, chief=1, worker=2), 1, "allreduce", True, False),
        (config("chief", 0, chief=1, worker=2, ps=1), 0, "ps", False, True),
        (config("worker", 0, chief=1, worker=2, ps=1), 1, "ps", True, False),
        (config("ps", 0, chief=1, worker=2, ps=1), 0, "ps", False, False),
    ],
)
def test_who_does_what(text: str, gpus: int, mode: str, computes: bool, reports: bool, script: ModuleType) -> None:
    role = script.read_role(text)
    assert (role.mode(gpus), role.computes, role.reports) == (mode, computes, reports)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Expecting property name"),
        (config("worker", 2, worker=2), "no worker 2"),
        (config("worker", 0, worker=1, ps=1), "need a chief"),
    ],
)
def test_a_wrong_place_in_the_job_ends_with_2(
    text: str, says: str, script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_CONFIG", text)
    assert script.main([]) == 2
    event = json.loads(capsys.readouterr().out)
    assert (event["event"], event["reason"]) == ("error", "WrongConfig")
    assert says in event["message"]


def test_an_evaluator_has_nothing_to_do(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TF_CONFIG", config("evaluator", 0, worker=1, evaluator=1))
    assert script.main([]) == 0
    assert json.loads(capsys.readouterr().out)["event"] == "done"


@pytest.mark.parametrize(
    ("batch", "gpus", "parts"), [(32, 0, 4), (32, 1, 1), (8, 0, 1), (9, 0, 3), (31, 0, 31), (1, 0, 1), (100, 0, 20)]
)
def test_a_cpu_takes_a_batch_in_parts(batch: int, gpus: int, parts: int, script: ModuleType) -> None:
    assert script.passes(batch, gpus) == parts
    assert batch % parts == 0


def test_defaults_are_those_of_the_prototype(script: ModuleType, catalogue: dict[str, Any]) -> None:
    given = vars(script.parse([]))
    for name, value in given.items():
        assert value == catalogue["tf-cnn"].parameter(name).default, name
    assert set(script.MODELS) == set(catalogue["tf-cnn"].parameter("model").schema["enum"])


@pytest.mark.parametrize("argument", ["--batch-size=0", "--num-gpus=-1", "--model=alexnet", "--num-steps=many"])
def test_wrong_arguments_end_with_2(argument: str, script: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as error:
        script.parse([argument])
    assert error.value.code == 2
    assert argument.partition("=")[0] in capsys.readouterr().err


WAITS = """
import sys, time, types
fake = types.ModuleType("training")
def run(arguments, role, passes, say):
    say("joining")
    while True:
        try:
            time.sleep(60)
        except BaseException:
            pass
fake.run = run
sys.modules["training"] = fake
sys.path.insert(0, {folder!r})
import tf_cnn
tf_cnn.main([])
"""


def test_it_ends_when_told_though_tensorflow_would_not_look() -> None:
    program = WAITS.format(folder=str(SCRIPT.parent))
    environment = {name: value for name, value in os.environ.items() if name != "TF_CONFIG"}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env=environment, cwd=Path(SCRIPT).parent
    )
    try:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"event": "joining"}
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 143
    finally:
        process.kill()
        process.wait()
