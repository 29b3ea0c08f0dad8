"""What kwokctl is told, and when nodes count as ready."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from mlstack.errors import MlstackError
from mlstack.sandbox import controlplane
from mlstack.sandbox.api import Api
from mlstack.sandbox.home import Home, home

SAYS = '#!/bin/sh\necho "$@" > "$KWOK_WORKDIR/said"\necho "$KWOK_WORKDIR $KUBECONFIG $PATH" > "$KWOK_WORKDIR/env"\n'


@pytest.fixture
def binaries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "binaries"
    folder.mkdir()
    (folder / "kwokctl").write_text(SAYS)
    (folder / "kwokctl").chmod(0o755)
    monkeypatch.setenv("KUBECONFIG", "/mine")
    return folder


@pytest.fixture
def place() -> Home:
    found = home("box")
    found.folder.mkdir(parents=True)
    return found


def test_create_writes_nobodys_kubeconfig(place: Home, binaries: Path) -> None:
    controlplane.create(place, binaries, {"etcdPort": 20_001}, {0: 20_002})
    words = (place.kwok / "said").read_text().split()
    assert words[:4] == ["--name", "box", "create", "cluster"]
    assert "--kubeconfig=" in words
    assert f"--kwok-controller-binary={binaries}/kwok" in words
    workdir, path = (place.kwok / "env").read_text().split()
    assert workdir == str(place.kwok)
    assert path.startswith(f"{binaries}:")
    assert place.kwok.stat().st_mode & 0o077 == 0


def test_a_kwokctl_that_fails_is_quoted(place: Home, binaries: Path) -> None:
    (binaries / "kwokctl").write_text("#!/bin/sh\necho first >&2; echo no port >&2; exit 1\n")
    with pytest.raises(MlstackError, match="did not start: first / no port"):
        controlplane.create(place, binaries, {}, {})


def test_pid_files_of_the_dead_go(place: Home, binaries: Path) -> None:
    pids = place.cluster / "pids"
    pids.mkdir(parents=True)
    (pids / "etcd.pid").write_text("1")
    controlplane._start(place, binaries)
    assert not list(pids.iterdir())
    assert (place.kwok / "said").read_text().split()[2:4] == ["start", "cluster"]


class Nodes:
    """An API server with these nodes."""

    def __init__(self, *nodes: dict[str, Any]) -> None:
        self.nodes = nodes

    def items(self, path: str) -> tuple[dict[str, Any], ...]:
        assert path == "/api/v1/nodes"
        return self.nodes


def node(name: str, status: str, *taints: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"taints": [{"key": key} for key in taints]},
        "status": {"conditions": [{"type": "Ready", "status": status}]},
    }


def test_ready_nodes() -> None:
    api = Nodes(
        node("a", "True"),
        node("gpu", "True", "nvidia.com/gpu"),
        node("tainted", "True", "node.kubernetes.io/not-ready"),
        node("down", "False"),
        {"metadata": {"name": "new"}},
    )
    assert controlplane.ready_nodes(cast(Api, api)) == {"a", "gpu"}


def test_the_mark() -> None:
    found = controlplane.mark("box", "gke")
    assert (found["metadata"]["namespace"], found["metadata"]["name"]) == ("kube-system", "mlstack-sandbox")
    assert found["data"] == {"name": "box", "like": "gke"}
