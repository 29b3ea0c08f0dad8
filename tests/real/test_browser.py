"""A notebook as a person has it: a page in Chromium through `mlstack notebook`, which outlives the hub's pod.

MLSTACK_UPDATE_DOCS=1 writes what the command said and a picture of the page into docs/.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real import jupyter
from tests.real.browser import Page, browser
from tests.real.forwarded import Forwarded
from tests.real.hub import HubUser
from tests.real.place import Place, until

DOCS = Path(__file__).parents[2] / "docs"
WORDS = "$ mlstack notebook minikube --show-password\n"
BLOCK = re.compile(rf"(?<=```console\n){re.escape(WORDS)}.*?(?=```)", re.DOTALL)
# What differs from one minute to the next, and what stands in the page instead.
PASSING = (
    (re.compile(r"\r"), ""),
    (re.compile(r"\d\d:\d\d:\d\d"), "16:44:31"),
    (re.compile(r"127\.0\.0\.1:\d+"), "127.0.0.1:8100"),
    (re.compile(r"password: \S+"), "password: yN8KDDfN47z2V6zg9I9W"),
)
FIRST = 'import socket\nanswer = 6 * 7\nprint(f"{answer} on {socket.gethostname()}")'


@pytest.fixture(scope="module")
def forwarded(stack: Place) -> Iterator[Forwarded]:
    running = Forwarded(stack)
    yield running
    assert running.end() == 0, running.said


@pytest.fixture(scope="module")
def page(stack: Place, forwarded: Forwarded) -> Iterator[Page]:
    """The hub's log-in page; what is started from there is stopped at the end."""
    with browser() as opened:
        opened.open(forwarded.address)
        yield opened
    grace = HubUser(forwarded.address, "grace")
    assert grace.log_in(forwarded.password)
    grace.ask("/hub/api/users/grace/server", {}, "DELETE")
    until(lambda: "pod/jupyter-grace" not in stack.left(), "the notebook to stop")


def test_a_cell_in_the_page(page: Page, forwarded: Forwarded, tmp_path: Path) -> None:
    jupyter.log_in(page, "grace", forwarded.password)
    page.wait("document.body.innerText.includes('Your server is starting up')")
    jupyter.new_notebook(page, "grace")
    jupyter.run_cell(page, FIRST, "42 on jupyter-grace")
    jupyter.wave_away(page, ".jp-toast-button:last-child")  # whether it may tell news of Jupyter
    page.picture(tmp_path / "notebook.png")
    update("notebook.png", (tmp_path / "notebook.png").read_bytes())


def test_the_page_outlives_the_hubs_pod(stack: Place, page: Page, forwarded: Forwarded) -> None:
    """Nobody touches the command. JupyterLab's own box about its server is waved away, as a person would."""
    stack.lose("tf-hub-0")
    jupyter.wave_away(page, ".jp-Dialog .jp-mod-reject")
    jupyter.run_cell(page, "print(answer, 'still')", "42 still")  # the kernel is the same, too
    assert forwarded.process.poll() is None
    print(forwarded.said)


def test_what_the_command_said(forwarded: Forwarded) -> None:
    said = forwarded.said[: forwarded.said.index("(Ctrl-C ends)")] + "(Ctrl-C ends)\n"
    for pattern, instead in PASSING:
        said = pattern.sub(instead, said)
    text = (DOCS / "notebook.md").read_text("utf-8")
    written = BLOCK.sub(lambda _: WORDS + said, text)
    update("notebook.md", written.encode())
    assert written == (DOCS / "notebook.md").read_text("utf-8"), "MLSTACK_UPDATE_DOCS=1 writes it anew"


def update(name: str, contents: bytes) -> None:
    """Write a file of the documentation, if that is wanted."""
    if os.environ.get("MLSTACK_UPDATE_DOCS"):
        (DOCS / name).write_bytes(contents)
