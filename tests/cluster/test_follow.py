"""`mlstack logs -f` of a job with 60 workers on a real API server: no line lost, torn or told twice."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.logfiles import JOB, Logs, judge, serve
from mlstack import sandbox
from mlstack.sandbox.home import home
from mlstack.sandbox.processes import kill, owned

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

DOC = Path(__file__).parents[2] / "docs/logs.md"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
WORKERS = 60
RATE = 1000  # lines a second, in all


@dataclass
class Job:
    """A job whose workers' logs are files, in an app with the environment `minikube`."""

    app: App
    made: Sandbox
    namespace: str
    logs: Logs
    kubectl: Kubectl
    written: int = 0
    turns: int = 0

    def write(self, seconds: float, rate: float = RATE, shift: float = 0) -> None:
        """Lines of all workers, by a process of its own; `shift`: seconds by which the nodes' clocks are wrong."""
        words = (str(self.logs.folder), str(self.logs.count), str(self.turns), str(rate), str(seconds), str(shift))
        done = subprocess.run([sys.executable, "-m", "bench.logfiles", *words], capture_output=True, check=True)
        lines = int(json.loads(done.stdout))
        self.written += lines
        self.turns += -(-lines // self.logs.count)

    def kill_server(self) -> None:
        """Ends the API server in the midst of whatever it does."""
        kill(process for process in owned(home(self.made.name).folder) if process.program == "kube-apiserver")

    @contextmanager
    def follow(self, out: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
        """`mlstack logs -f` into a file, for as long as the block at most."""
        script = str(Path(sys.executable).with_name("mlstack"))
        command = [script, "logs", "minikube", JOB, "-f", *words]
        with (
            out.open("w") as file,
            subprocess.Popen(command, cwd=self.app.root, stdout=file, stderr=subprocess.PIPE, text=True) as process,
        ):
            try:
                yield process
            finally:
                process.kill()


@pytest.fixture(scope="module")
def job(
    minikube: Sandbox, kubectl: Kubectl, new_app: Callable[[str], App], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Job]:
    namespace = f"test-{uuid.uuid4().hex[:8]}"
    app, logs = new_app("follow"), Logs(tmp_path_factory.mktemp("logs"), WORKERS)
    app.do("env", "add", "minikube", "--namespace", namespace)
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
    app.write({f"components/{name}/objects.yaml": config for name in (JOB, "cnn")})
    kubectl("create", "namespace", namespace, context="minikube")
    cnn = Logs(tmp_path_factory.mktemp("cnn"), 4, "cnn")
    serve(minikube, namespace, logs, cnn)
    train(cnn)
    apply(kubectl, [*logs.pods(namespace, "follow"), *cnn.pods(namespace, "follow")], namespace)
    yield Job(app, minikube, namespace, logs, kubectl)
    kubectl("delete", "namespace", namespace, "--wait=false", context="minikube")


def train(logs: Logs) -> None:
    """What tf-cnn's first worker of four says, and the others; a step of all takes 1.5 s."""
    begin = datetime(2026, 11, 23, 12, 17, 31, tzinfo=UTC)
    start = {"event": "start", "model": "resnet50", "mode": "allreduce", "replicas": 4, "batch_size": 32}
    start |= {"global_batch": 128, "image_size": 224, "gpus": 1, "tensorflow": "2.17.0"}
    steps = [
        {"event": "step", "step": 10 * n, "images_per_second": 85 + 3 * sin(n), "loss": round(6.9 - 0.05 * n, 4)}
        for n in range(1, 21)
    ]
    for index in range(logs.count):
        joined = {"event": "joining", "mode": "allreduce", "type": "worker", "index": index}
        with logs.file(index).open("w") as file:
            for n, facts in enumerate([joined, *([start, *steps] if index == 0 else [])]):
                facts = {key: round(value, 2) if isinstance(value, float) else value for key, value in facts.items()}
                stamp = (begin + timedelta(seconds=15 * n)).strftime("%Y-%m-%dT%H:%M:%S.%f")
                file.write(f"{stamp}000Z stdout F {json.dumps(facts)}\n")


def apply(kubectl: Kubectl, items: list[dict[str, Any]], namespace: str) -> None:
    """Pods, running."""
    pods = {"apiVersion": "v1", "kind": "List", "items": items}
    kubectl("apply", "-f", "-", context="minikube", stdin=json.dumps(pods))
    states = "jsonpath={.items[*].status.conditions[?(@.type=='Ready')].status}"

    def ready() -> bool:
        sandbox.up("minikube")  # a scheduler ends itself over what it missed while its API server was killed
        found = kubectl("get", "pods", "-n", namespace, "-o", states, context="minikube").split()
        return found.count("True") >= len(items)

    until(ready, "the pods", 90)


def until(there: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.1)


def check(job: Job, out: Path, following: subprocess.Popen[str]) -> str:
    """All lines that were written are told, once each; then Ctrl-C. What was said beside them."""

    def lines() -> int:
        return out.read_bytes().count(b"\n")

    until(lambda: lines() >= job.written, f"{job.written} lines ({lines()} are there)")
    time.sleep(1)  # what is told twice comes after
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=20)
    verdict = judge(out.read_text("utf-8"), job.written, job.logs.count)
    assert verdict.whole, (verdict, said)
    assert following.returncode == 0, said
    assert "Traceback" not in said
    return said


def test_sixty_workers_and_a_server_that_dies(job: Job, tmp_path: Path) -> None:
    out = tmp_path / "out"
    job.write(0.2)
    with job.follow(out) as following:
        until(lambda: out.read_bytes().count(b"\n") >= job.written, "what was said before")
        job.write(2)
        job.kill_server()
        job.write(1, shift=-25)  # the nodes' clocks are set back while nobody is connected
        sandbox.up(job.made.name)
        job.write(1, shift=-25)
        said = check(job, out, following)
    assert said.count("The logs go on.\n") == 1  # told once, not by each of 60


def test_roles_tails_and_what_is_not_there(job: Job) -> None:
    """After the first test: each worker has said something."""
    assert {line.split()[0] for line in job.app.do("logs", "minikube", f"{JOB}/worker-7", "--tail=3").splitlines()} == {
        "line"
    }
    last = job.app.do("logs", "minikube", JOB, "--tail=1").splitlines()
    assert [line.split()[0] for line in last] == [f"[worker-{index}]" for index in range(WORKERS)]
    some = [json.loads(line) for line in job.app.do("logs", "minikube", f"{JOB}/worker", "-o", "json").splitlines()]
    assert len(some) == job.written
    assert {(one["role"], one["index"]) for one in some} == {("worker", index) for index in range(WORKERS)}
    assert job.app.do("logs", "minikube", JOB, "--since", "1s", "--container", "main") == ""
    nobody = job.app.run("logs", "minikube", f"{JOB}/worker-99")
    assert (nobody.returncode, nobody.stderr.count("\n")) == (1, 2)
    assert f"{JOB} has no worker-99 in minikube" in nobody.stderr


def test_a_container_that_crashes_again_and_again(job: Job, tmp_path: Path) -> None:
    """kwok has one file for all lives of a container: whatever is asked for again, nothing is told twice."""
    pod = f"pod/{JOB}-worker-0"
    where = ("-n", job.namespace)
    job.kubectl("annotate", pod, *where, "sim/mode=crashloop", "sim/run-for=1s", context="minikube")
    out = tmp_path / "out"
    with job.follow(out, "-o", "json") as following:
        until(lambda: out.read_bytes().count(b"\n") >= job.written, "what was said before")
        restarts = "jsonpath={.status.containerStatuses[0].restartCount}"
        until(lambda: int(job.kubectl("get", pod, *where, "-o", restarts, context="minikube")) >= 2, "two restarts")
        job.write(1, 200)
        until(lambda: out.read_bytes().count(b"\n") >= job.written, "the rest")
        time.sleep(2)
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=20)
    found = [json.loads(line) for line in out.read_text().splitlines()]
    assert judge("".join(f"[{one['title']}] {one['line']}\n" for one in found), job.written, WORKERS).whole
    job.kubectl("annotate", pod, *where, "sim/mode-", "sim/run-for-", context="minikube")


@pytest.mark.slow
def test_a_minute_of_it_with_pods_that_come_and_go(job: Job, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with job.follow(out) as following:
        for _ in range(3):
            job.write(10)
            job.kill_server()
            job.write(5)
            sandbox.up(job.made.name)
            job.write(5)
        until(lambda: out.read_bytes().count(b"\n") >= job.written, "all lines")
        files = [job.logs.file(index) for index in range(0, WORKERS, 10)]
        gone = [f"pod/{JOB}-worker-{index}" for index in range(0, WORKERS, 10)]
        job.kubectl("delete", *gone, "-n", job.namespace, context="minikube")
        for file in files:
            file.unlink()
            file.touch()
        apply(job.kubectl, job.logs.pods(job.namespace, "follow"), job.namespace)
        job.write(10)
        check(job, out, following)


def typed(app: App, line: str) -> str:
    """What a line of the page prints, of `mlstack` in the app's folder."""
    _, *words = shlex.split(line)
    done = app.run(*words)
    return done.stdout + done.stderr


def test_the_sessions_of_the_page(job: Job) -> None:
    """The console blocks of docs/logs.md. MLSTACK_UPDATE_DOCS=1 writes what was printed into the page."""
    page = DOC.read_text("utf-8")
    blocks = BLOCK.findall(page)
    assert len(blocks) == 3
    for block in blocks:
        lines = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
        told = "".join(f"$ {line}\n{typed(job.app, line)}" for line in lines)
        page = page.replace(block, told)
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        DOC.write_text(page, "utf-8")
    assert DOC.read_text("utf-8") == page
    drawing = (job.app.root / "cnn.svg").read_text("utf-8")
    assert drawing.count("<path") == 1
    assert "images/s" in drawing
