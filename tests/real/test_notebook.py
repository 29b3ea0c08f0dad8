"""A notebook on a real node: the generated password, a pod by KubeSpawner, a cell, and files that outlive the pod."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from tests.real.hub import HubUser
from tests.real.place import Place, until


class Forwarded:
    """`mlstack notebook minikube --show-password` on a terminal, and what it says there."""

    def __init__(self, place: Place) -> None:
        master, terminal = pty.openpty()
        words = ("notebook", "minikube", "--show-password", "--port", "0")
        self.process = place.start(*words, stdin=terminal, stdout=terminal, stderr=subprocess.STDOUT)
        os.close(terminal)
        self.said = ""
        self.reader = threading.Thread(target=self.read, args=(master,), daemon=True)
        self.reader.start()

    def read(self, master: int) -> None:
        try:
            while data := os.read(master, 4096):
                self.said += data.decode()
        except OSError:  # the other end is closed
            os.close(master)

    def find(self, pattern: str) -> str:
        until(lambda: re.search(pattern, self.said) is not None, pattern, 120)
        found = re.search(pattern, self.said)
        assert found
        return found[1]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@pytest.fixture(scope="module")
def forwarded(stack: Place) -> Iterator[Forwarded]:
    running = Forwarded(stack)
    yield running
    assert running.end() == 0, running.said


@pytest.fixture(scope="module")
def ada(stack: Place, forwarded: Forwarded) -> Iterator[HubUser]:
    """A user who is logged in, and who stops her notebook when she goes."""
    user = HubUser(forwarded.find(r"(http://127\.0\.0\.1:\d+)"), "ada")
    assert not user.log_in("wrong")
    assert user.log_in(forwarded.find(r"password: (\S+)"))
    yield user
    user.ask("/hub/api/users/ada/server", {}, "DELETE")
    until(lambda: "pod/jupyter-ada" not in stack.left(), "the notebook to stop")


def test_a_cell_runs_and_its_file_outlives_the_pod(stack: Place, ada: HubUser) -> None:
    ada.start()
    assert ada.cell("open('note.txt', 'w').write('kept'); print(6 * 7)") == "42\n"
    pod = stack.get("pod", "jupyter-ada")
    assert pod["spec"]["containers"][0]["image"].startswith("quay.io/jupyter/")
    stack.kubectl("delete", "pod", "jupyter-ada")
    until(lambda: not ada.state()["server"] and not ada.state()["pending"], "the hub to notice", 120)
    ada.start()
    assert stack.get("pod", "jupyter-ada")["metadata"]["uid"] != pod["metadata"]["uid"]
    assert ada.cell("import os; print(open('note.txt').read(), os.getuid())") == "kept 1000\n"
    assert ada.cell("import os; print(os.environ['NVIDIA_VISIBLE_DEVICES'])") == "void\n"
