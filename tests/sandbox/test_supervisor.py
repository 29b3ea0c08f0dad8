"""The keeper of the operator: what it waits for, when it starts, stops and starts again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from mlstack.sandbox import operator, pins, processes, supervisor
from mlstack.sandbox.api import Api
from mlstack.sandbox.home import Home, home
from mlstack.sandbox.state import Record

TFJOBS = {"resources": [{"name": "tfjobs"}]}


class Cluster:
    """What the API server would answer."""

    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.deployments: list[dict[str, Any]] = []

    def get(self, path: str) -> Any:
        return self.objects.get(path)

    def items(self, path: str) -> Iterator[dict[str, Any]]:
        assert path == operator.DEPLOYMENTS
        yield from self.deployments

    def create(self, path: str, manifest: dict[str, Any]) -> Any:
        assert manifest["kind"] == "TokenRequest"
        return {"status": {"token": "secret"}}


def deployment(ready: int = 1, *args: str) -> dict[str, Any]:
    container = {"image": "kubeflow/training-operator:1", "args": ["--enable-scheme=tfjob", *args]}
    return {
        "metadata": {"namespace": "ml", "name": "operator"},
        "spec": {"template": {"spec": {"containers": [container]}}},
        "status": {"readyReplicas": ready},
    }


@pytest.fixture
def place(tmp_path: Path) -> Home:
    found = home("box")
    binary = tmp_path / pins.OPERATOR
    binary.write_text("#!/bin/sh\nexec sleep 60\n")
    binary.chmod(0o755)
    Record("box", "gke", "c", "/k", str(tmp_path), "ready", server="https://127.0.0.1:1").save()
    found.operator.mkdir(parents=True)
    return found


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@pytest.fixture
def keeper(place: Home, cluster: Cluster, tmp_path: Path) -> Iterator[supervisor.Keeper]:
    record = Record("box", "gke", "c", "/k", str(tmp_path), server="https://127.0.0.1:1")
    found = supervisor.Keeper(place, record)
    found.api = cast(Api, cluster)
    yield found
    found.stop()


def told(place: Home) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.supervisor.read_text())["operator"]
    return found


def test_it_waits_and_says_for_what(keeper: supervisor.Keeper, cluster: Cluster, place: Home) -> None:
    keeper.step()
    assert told(place)["state"] == "absent"
    cluster.deployments = [deployment(0)]
    keeper.step()
    assert (told(place)["state"], told(place)["reason"]) == ("waiting", "not served yet: tfjobs")
    cluster.objects[operator.JOBS] = TFJOBS
    keeper.step()
    assert told(place)["reason"] == "its pod is not ready"
    cluster.deployments = [deployment()]
    keeper.step()
    assert told(place)["reason"] == "there is no ServiceAccount ml/default"
    cluster.objects["/api/v1/namespaces/ml/serviceaccounts/default"] = {}
    keeper.step()
    assert (told(place)["state"], told(place)["deployment"]) == ("running", "ml/operator")
    config = json.loads((place.operator / "kubeconfig.json").read_text())
    assert config["users"][0]["user"] == {"token": "secret"}
    assert (place.operator / "kubeconfig.json").stat().st_mode & 0o077 == 0


@pytest.fixture
def running(keeper: supervisor.Keeper, cluster: Cluster) -> supervisor.Running:
    cluster.deployments = [deployment()]
    cluster.objects = {operator.JOBS: TFJOBS, "/api/v1/namespaces/ml/serviceaccounts/default": {}}
    keeper.step()
    assert keeper.running is not None
    return keeper.running


def test_it_stays_while_nothing_changes(
    keeper: supervisor.Keeper, running: supervisor.Running, cluster: Cluster
) -> None:
    cluster.deployments = [deployment(0)]
    keeper.step()
    assert keeper.running is running


def test_it_goes_with_its_deployment(
    keeper: supervisor.Keeper, running: supervisor.Running, cluster: Cluster, place: Home
) -> None:
    cluster.deployments = []
    keeper.step()
    assert running.process.poll() is not None
    assert told(place)["state"] == "absent"


def test_another_argument_is_another_process(
    keeper: supervisor.Keeper, running: supervisor.Running, cluster: Cluster
) -> None:
    cluster.deployments = [deployment(1, "--controller-threads=2")]
    keeper.step()
    assert running.process.poll() is not None
    assert keeper.running is not None
    assert "--controller-threads=2" in keeper.running.wanted.args


def test_one_that_dies_is_started_again_later_and_later(
    keeper: supervisor.Keeper, running: supervisor.Running, place: Home
) -> None:
    running.process.kill()
    running.process.wait()
    keeper.step()
    assert running.process not in [getattr(keeper.running, "process", None)]
    assert (told(place)["state"], told(place)["restarts"]) == ("restarting", 1)
    first = keeper.not_before
    keeper.not_before = 0
    keeper.step()
    again = keeper.running
    assert again is not None
    again.process.kill()
    again.process.wait()
    keeper.step()
    assert keeper.restarts == 2
    assert keeper.not_before > first


def test_a_silent_api_server_changes_nothing(
    keeper: supervisor.Keeper, running: supervisor.Running, monkeypatch: pytest.MonkeyPatch, place: Home
) -> None:
    def silent(path: str) -> Iterator[dict[str, Any]]:
        raise ConnectionError("does not answer")

    monkeypatch.setattr(keeper.api, "items", silent)
    keeper.step()
    assert keeper.running is running
    assert (told(place)["state"], told(place)["note"]) == ("running", "does not answer")


def test_no_operator_in_the_set(keeper: supervisor.Keeper, cluster: Cluster, place: Home) -> None:
    keeper.binary.unlink()
    cluster.deployments = [deployment()]
    keeper.step()
    assert "up --build" in told(place)["reason"]


def test_pods_by_port() -> None:
    pods = [
        {"metadata": {"namespace": "a", "name": n}, "spec": {"containers": [{"ports": [{"containerPort": p}]}, {}]}}
        for n, p in (("x", 8000), ("y", 8000), ("z", 80))
    ]
    assert supervisor.by_port(iter(pods)) == {8000: ["a/x", "a/y"], 80: ["a/z"]}


def test_a_sandbox_that_is_gone_ends_it(tmp_path: Path) -> None:
    assert supervisor.main(tmp_path / "gone") == 1
    assert processes.owned(tmp_path / "gone") == []
