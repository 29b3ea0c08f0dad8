"""status --watch: what a view looks like."""

from __future__ import annotations

import json

import pytest
from rich.console import Console

from mlstack.actions.gpus import Gpus
from mlstack.actions.status import ComponentStatus, Status
from mlstack.actions.watching import View
from mlstack.cli.watch import LEAST_COLUMNS, Changes, drawn, fitting

HUB = ComponentStatus("hub", "core/jupyterhub", "yes", 9, 9, (), ("hub.default:80",))
CNN = ComponentStatus("cnn", "tf-job/tf-cnn", "waiting", 1, 2, ("TFJob/cnn 2/4: Insufficient nvidia.com/gpu",))


def view(environment: str, *components: ComponentStatus, problem: str = "") -> View:
    gpus = Gpus(used=10, ours=2, total=14)
    status = Status(environment, f"ctx-{environment}", "https://1.2.3.4", "u", "default", components, gpus, True)
    return View(environment, status if components else None, problem)


def text(views: list[View], width: int) -> list[str]:
    console = Console(width=width, record=True, force_terminal=False, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(drawn(views, width))
    return console.export_text().splitlines()


def test_environments_stand_side_by_side() -> None:
    lines = text([view("gke", HUB, CNN), view("minikube", HUB)], 2 * LEAST_COLUMNS + 20)
    assert "gke (ctx-gke)" in lines[0]
    assert "minikube (ctx-minikube)" in lines[0]
    (hubs,) = [line for line in lines if "hub " in line]
    assert hubs.count("9/9") == 2
    assert hubs.count("reached at hub.default:80") == 2
    assert any("waiting" in line and "1/2" in line for line in lines)
    assert any("GPUs: 10 of 14 in use, 2 by this app" in line for line in lines)


def test_where_there_is_no_room_they_stand_below_each_other() -> None:
    lines = text([view("gke", HUB), view("minikube", problem="It does not answer.")], 2 * LEAST_COLUMNS - 2)
    assert "minikube" not in lines[0]
    assert any("It does not answer." in line for line in lines)


@pytest.mark.parametrize(("height", "told"), [(40, True), (10, False)])
def test_a_low_terminal_leaves_out_where_components_are_reached(height: int, told: bool) -> None:
    console = Console(width=80, height=height, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(fitting([view("gke", HUB, CNN), view("minikube", HUB)], console))
    shown = console.export_text()
    assert ("reached at" in shown) == told
    assert "Insufficient nvidia.com/gpu" in shown


@pytest.mark.parametrize("several", [False, True])
def test_only_what_changed_is_printed_again(several: bool, capsys: pytest.CaptureFixture[str]) -> None:
    told = Changes("text", several=several)
    told([view("gke", CNN), view("two")])
    told([view("gke", CNN), view("two")])
    first = capsys.readouterr().out
    assert first.count("component  ready") == 1
    assert first.startswith("gke:\n") == several
    told([view("gke", HUB), view("two", problem="Gone.")])
    out = capsys.readouterr().out
    assert "hub        yes" in out
    assert "two: Gone." in out


def test_json_is_one_document_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    Changes("json", several=True)([view("gke", CNN), view("two", problem="Gone.")])
    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert (first["environment"], first["components"][0]["ready"], first["problem"]) == ("gke", "waiting", "")
    assert second == {"environment": "two", "problem": "Gone."}
