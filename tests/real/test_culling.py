"""Notebooks that nobody uses are stopped on a real node, and one that works unseen is not."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.real.conftest import MakePlace
from tests.real.forwarded import Forwarded
from tests.real.hub import HubUser
from tests.real.place import Place, until

pytestmark = pytest.mark.slow

IDLE_S = 16
BUSY_S = 40
WORK = f"import time\nfor step in range({BUSY_S}):\n    print(step, flush=True)\n    time.sleep(1)"


@pytest.fixture
def quiet(new_place: MakePlace) -> Iterator[Place]:
    """A hub alone that stops notebooks soon."""
    place = new_place("quiet")
    small = ("--storage=1Gi", "--memory_guarantee=256M")
    place.do("generate", "jupyterhub", "hub", f"--cull_idle_s={IDLE_S}", *small)
    place.do("apply", "minikube")
    yield place
    place.do("delete", "minikube", "--yes")


@pytest.fixture
def forwarded(quiet: Place) -> Iterator[Forwarded]:
    running = Forwarded(quiet)
    yield running
    assert running.end() == 0, running.said


def test_a_notebook_is_stopped_when_its_work_is_done(quiet: Place, forwarded: Forwarded) -> None:
    """As long as its kernel prints it stays, even though nobody looks; idle, it goes, and its volume stays."""
    eve = HubUser(forwarded.address, "eve")
    assert eve.log_in(forwarded.password)
    eve.start()
    eve.begin(WORK)
    began = time.monotonic()
    until(lambda: time.monotonic() > began + BUSY_S - 2, "most of the work")
    assert eve.state()["server"]
    assert quiet.get("pod", "jupyter-eve")["status"]["phase"] == "Running"
    until(lambda: "pod/jupyter-eve" not in quiet.left(), "the notebook to be stopped", 120)
    assert not eve.state()["server"]
    assert "persistentvolumeclaim/claim-eve" in quiet.left()
    print(f"stopped {time.monotonic() - began - BUSY_S:.0f} s after its work was done")
