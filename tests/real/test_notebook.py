"""A notebook on a real node: the generated password, a pod by KubeSpawner, a cell, and files that outlive the pod."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real.forwarded import Forwarded
from tests.real.hub import HubUser
from tests.real.place import Place, until

DOC = Path(__file__).parents[2] / "docs/notebook.md"


@pytest.fixture(scope="module")
def forwarded(stack: Place) -> Iterator[Forwarded]:
    running = Forwarded(stack, user="ada")
    yield running
    assert running.end() == 0, running.said


@pytest.fixture(scope="module")
def ada(stack: Place, forwarded: Forwarded) -> Iterator[HubUser]:
    """A user who is logged in, and who stops her notebook when she goes."""
    user = HubUser(forwarded.address, "ada")
    assert not user.log_in("wrong")
    assert user.log_in(forwarded.password)
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


def test_the_command_told_how_her_server_came_up(forwarded: Forwarded) -> None:
    """Its pod's steps, for each of the two pods, as docs/notebook.md shows them; the address is that of her server."""
    until(lambda: forwarded.said.count("ada's server is ready (jupyter-ada).") == 2, "both pods' stories")
    print(forwarded.said)
    said = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:8100", re.sub(r"\d\d:\d\d:\d\d ", "", forwarded.said))
    shown = DOC.read_text("utf-8").partition("--user ada\n")[2].partition("```")[0]
    lines = re.sub(r"\d\d:\d\d:\d\d ", "", shown).splitlines()
    assert [
        line for line in lines if line not in said and "Container image" not in line
    ] == []  # a quick start has none
