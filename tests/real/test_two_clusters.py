"""Two nodes side by side, minikube and gke: one app, notebooks with an L4 on gke alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from mlstack.actions import idle
from mlstack.cli import main
from tests.real import jupyter
from tests.real.browser import browser
from tests.real.conftest import MakePlace
from tests.real.forwarded import Forwarded
from tests.real.place import SMALL, Place, until
from tools.realnode import cluster

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def sides(new_place: MakePlace) -> Iterator[tuple[Place, Place]]:
    """The same app's environments minikube and gke; a hub whose GPU profile is gke's only."""
    first = new_place("side")
    try:
        gke = cluster.up("gke", gpus=4, tied=True)
        cluster.kubectl(gke, "create", "namespace", "side")
        both = {**first.environ, "KUBECONFIG": f"{first.node.kubeconfig}:{gke.kubeconfig}"}
        here, there = replace(first, environ=both), replace(first, environ=both, node=gke)
        here.do("env", "add", "gke", "--namespace", "side")
        here.do("generate", "jupyterhub", "hub", "--storage=1Gi", "--memory_guarantee=256M")
        here.do("param", "set", "--env=gke", "hub", "gpus", "1")
        here.do("param", "set", "--env=gke", "hub", "accelerator_type", "l4")
        here.do("apply", "minikube", "--no-wait")
        here.do("apply", "gke")
        yield here, there
        here.do("delete", "minikube", "--yes")
    finally:
        cluster.down("gke")


def test_a_notebook_with_a_gpu_on_gke(sides: tuple[Place, Place]) -> None:
    _, there = sides
    forwarded = Forwarded(there, "gke")
    with browser() as page:
        page.open(forwarded.address)
        jupyter.log_in(page, "grace", forwarded.password)
        page.wait("document.querySelector('#profile-item-gpu')")
        assert ["CPU" in page.text(), "1 GPU" in page.text()] == [True, True]
        page.click("#profile-item-gpu")
        page.click("button[type=submit]")
        jupyter.new_notebook(page, "grace")
        seen = "import os; print(os.environ.get('NVIDIA_VISIBLE_DEVICES', 'all'))"
        jupyter.run_cell(page, seen, "all")
    assert forwarded.end() == 0, forwarded.said
    pod = there.get("pod", "jupyter-grace")["spec"]
    assert pod["containers"][0]["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert pod["nodeSelector"]["cloud.google.com/gke-accelerator"] == "nvidia-l4"
    assert "GPUs: 1 of 4 in use" in there.do("status", "gke")


def test_a_notebook_with_a_gpu_that_nobody_uses(
    sides: tuple[Place, Place], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one of before, whose page is closed; the hub's own proxy tells when it was used. An hour is a second here."""
    _, there = sides
    monkeypatch.setattr(idle, "IDLE_SECONDS", 1.0)
    monkeypatch.setenv("KUBECONFIG", there.environ["KUBECONFIG"])
    monkeypatch.chdir(there.root)
    assert main.run(("status", "gke")) == 0
    assert "Idle: grace's notebook jupyter-grace holds 1 GPU and was last used 2" in capsys.readouterr().out
    there.get("pod", "jupyter-grace")  # named, not stopped


def test_no_choice_without_gpus(sides: tuple[Place, Place]) -> None:
    here, _ = sides
    here.do("wait", "minikube", "-c", "hub")
    forwarded = Forwarded(here)
    with browser() as page:
        page.open(forwarded.address)
        jupyter.log_in(page, "grace", forwarded.password)
        page.wait("document.body.innerText.includes('Your server is starting up')", 60)
    assert forwarded.end() == 0, forwarded.said


def test_gpus_that_no_node_has(sides: tuple[Place, Place]) -> None:
    """Four, where the one node has two: the job is refused before it is sent; insisted on, its pod's reason says it."""
    here, _ = sides
    here.do("generate", "tf-cnn", "big", "--num_gpus=4", "--runner=native", *SMALL)
    refused = here.run("apply", "minikube", "-c", "big", "--no-wait")
    assert refused.returncode == 1
    assert "asks 4 nvidia.com/gpu, the largest node (minikube) has 2" in refused.stderr
    here.do("apply", "minikube", "-c", "big", "--no-wait", "--no-preflight")
    until(lambda: "4 GPUs" in here.do("status", "minikube", "-c", "big"), "the reason", 60)
    print(here.do("status", "minikube", "-c", "big"))
    here.do("delete", "minikube", "-c", "big", "--yes")
