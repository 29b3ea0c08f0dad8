"""`mlstack logs -f` to its end: of a run it ends with the run, of a service with Ctrl-C, at any moment of its life."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from mlstack.sandbox import Sandbox

    from .conftest import App, Kubectl

JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: NAME}
spec:
  completions: PODS
  parallelism: PODS
  backoffLimit: 0
  template:
    metadata: {annotations: {ANNOTATION}}
    spec: {restartPolicy: Never, containers: [{name: main, image: x}]}
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: x}]}
"""
DOC = Path(__file__).parents[2] / "docs/logs.md"
FAILED = '$ mlstack logs minikube bad -f; echo "exit code $?"'


def job(name: str, annotation: str, pods: int = 1) -> str:
    return JOB.replace("NAME", name).replace("PODS", str(pods)).replace("ANNOTATION", annotation)


@pytest.fixture(scope="module")
def app(minikube: Sandbox, kubectl: Kubectl, new_app: Callable[[str], App]) -> Iterator[App]:
    """An app with a service, a run that goes on for ever, and one that failed, all applied."""
    made, namespace = new_app("ends"), f"test-{uuid.uuid4().hex[:8]}"
    made.do("env", "add", "minikube", "--namespace", namespace)
    made.write(
        {
            "components/web/objects.yaml": WEB,
            "components/long/objects.yaml": job("long", "sim/mode: forever"),
            "components/bad/objects.yaml": job("bad", "sim/mode: fail"),
            "components/short/objects.yaml": job("short", "sim/run-for: 2s", 3),
            "components/none/objects.yaml": WEB.replace("web", "none"),
        }
    )
    made.do("apply", "minikube", "-c", "web", "-c", "long")
    made.run("apply", "minikube", "-c", "bad", "--no-wait")
    yield made
    kubectl("delete", "namespace", namespace, "--wait=false", context="minikube")


def test_it_ends_with_the_run(app: App) -> None:
    """Begun before anything was ever applied there, it tells all of it; begun afterwards, the same lines."""
    app.do("env", "add", "fresh", "--context", "minikube", "--namespace", f"test-{uuid.uuid4().hex[:8]}")
    with app.start("logs", "fresh", "short", "-f") as following:
        assert following.stderr
        said = following.stderr.readline()
        assert said.startswith("short has no pods in fresh.")
        app.do("apply", "fresh", "-c", "short")
        out, err = following.communicate(timeout=60)
    assert (following.returncode, err) == (0, "")
    told = [json.loads(line) for line in app.do("logs", "fresh", "short", "-f", "-o", "json").splitlines()]
    assert len({one["pod"] for one in told}) == 3
    assert sorted(out.splitlines()) == sorted(f"[{one['title']}] {one['line']}" for one in told)
    assert sorted(app.do("logs", "fresh", "short").splitlines()) == sorted(out.splitlines())


def test_it_tells_how_the_run_failed(app: App) -> None:
    """As docs/logs.md shows it. MLSTACK_UPDATE_DOCS=1 writes it anew."""
    done = app.run("logs", "minikube", "bad", "-f")
    assert (done.returncode, bool(done.stdout)) == (4, True)
    assert done.stderr.startswith("Error: Job/bad failed: Job has reached the specified backoff limit")
    page = DOC.read_text("utf-8")
    told = f"{FAILED}\n{done.stdout}{done.stderr}exit code {done.returncode}\n"
    written = re.sub(rf"{re.escape(FAILED)}\n.*?(?=```)", lambda _: told, page, flags=re.DOTALL)
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        DOC.write_text(written, "utf-8")
    assert told in DOC.read_text("utf-8")


def test_nobody_is_waited_for_who_cannot_come(app: App) -> None:
    """In a run that has ended there is no further worker; of a component that the app does not have, no log at all."""
    gone = app.run("logs", "minikube", "bad/worker-7", "-f")
    assert (gone.returncode, gone.stdout) == (1, "")
    assert gone.stderr.startswith("Error: bad has no worker-7 in minikube.\n  There are bad-")
    wrong = app.run("logs", "minikube", "wob", "-f")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "This app has no component wob" in wrong.stderr


COMMANDS = {
    "logs": ("logs", "minikube", "web", "-f"),
    "run": ("logs", "minikube", "long", "-f", "-o", "json"),
    "metrics": ("logs", "minikube", "long", "-f", "--metrics"),
    "status": ("status", "minikube", "--watch"),
}
# Seconds after `main` was entered: in its imports, while it connects, when it follows.
MOMENTS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.8, 1.5, 4.0)
SIGTERM_IS_CAUGHT = 1 << (signal.SIGTERM - 1)


class OnTerminal:
    """A command on a terminal of its own, and what it says there."""

    def __init__(self, app: App, words: tuple[str, ...]) -> None:
        self.master, terminal = pty.openpty()
        script = str(Path(sys.executable).with_name("mlstack"))
        self.process = subprocess.Popen(
            [script, *words],
            cwd=app.root,
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.said = b""
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        """Keeps what comes."""
        with suppress(OSError):  # the other end is closed
            while data := os.read(self.master, 4096):
                self.said += data
        os.close(self.master)

    def wait_for_main(self) -> None:
        """Until `main` is entered, which then looks after signals: before it is Python's own start."""
        status = Path(f"/proc/{self.process.pid}/status")
        while not int(status.read_text("ascii").partition("SigCgt:")[2].split()[0], 16) & SIGTERM_IS_CAUGHT:
            assert self.process.poll() is None
            time.sleep(0.001)

    def interrupt(self) -> int:
        """Ctrl-C; the exit code, when all of it has ended."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(30)
        self.reader.join(10)
        assert not self.reader.is_alive(), "some process of it still has the terminal"
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)
        return code


def check_interrupted(app: App, name: str, moment: float) -> None:
    """No traceback, the cursor back, no process left."""
    command = OnTerminal(app, COMMANDS[name])
    command.wait_for_main()
    time.sleep(moment)
    code = command.interrupt()
    said = command.said.decode()
    assert "Traceback" not in said, said
    assert "Exception" not in said, said
    assert said.count("\x1b[?25l") == said.count("\x1b[?25h")
    assert code in (0, 130, -signal.SIGINT), said


@pytest.mark.parametrize("name", ["logs", "status"])
@pytest.mark.parametrize("moment", [0.1, 2.0])
def test_ctrl_c(app: App, name: str, moment: float) -> None:
    check_interrupted(app, name, moment)


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("moment", MOMENTS)
def test_ctrl_c_at_any_moment(app: App, name: str, moment: float) -> None:
    check_interrupted(app, name, moment)
