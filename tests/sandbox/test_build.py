"""Builds with a Go that only pretends: what is finished is kept, what fails says why."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError
from mlstack.sandbox import build, golang, home, pins

FAKE_GO = """#!/bin/sh
echo "$@" >> "$GO_LOG"
case "$*" in
  version) echo "go version go1.26.8 linux/amd64"; exit 0 ;;
  *"list -m"*) echo "$GO_MODULE"; exit 0 ;;
  *"$GO_FAILS_AT"*) echo "go: downloading x v1"; echo "$GO_SAYS"; exit 1 ;;
  *"$GO_HANGS_AT"*) exec sleep 60 ;;
esac
while [ "$1" != "-o" ]; do shift; done
echo built > "$2"; chmod +x "$2"
"""


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A pretended Go on PATH; its log of calls."""
    folder = tmp_path / "gobin"
    folder.mkdir()
    (folder / "go").write_text(FAKE_GO)
    (folder / "go").chmod(0o755)
    crds = tmp_path / "module" / build.CRDS
    crds.mkdir(parents=True)
    (crds / "kubeflow.org_tfjobs.yaml").write_text("kind: CustomResourceDefinition")
    (crds / "kustomization.yaml").write_text("")
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("GO_MODULE", str(tmp_path / "module"))
    monkeypatch.setenv("GO_FAILS_AT", "nowhere")
    monkeypatch.setenv("GO_HANGS_AT", "nowhere")
    monkeypatch.setenv("GO_LOG", str(tmp_path / "go.log"))
    return tmp_path / "go.log"


def everything(said: list[str] | None = None) -> Path:
    folder = home.binaries_folder()
    build.everything(folder, (said if said is not None else []).append)
    return folder


def test_the_whole_set(go: Path) -> None:
    said: list[str] = []
    folder = everything(said)
    names = {component.name for component in pins.CONTROL_PLANE}
    assert {entry.name for entry in folder.iterdir()} == {*names, pins.OPERATOR, "crds"}
    assert [entry.name for entry in (folder / "crds").iterdir()] == ["kubeflow.org_tfjobs.yaml"]
    assert said[0].endswith("about 13 minutes on two cores; once for all apps.")
    assert "kube-apiserver (4 of 8), usually 5:50 min" in said
    assert not home.work_folder().exists()
    assert f"gitVersion=v{pins.KUBERNETES}" in go.read_text()


def test_a_failed_build_goes_on_where_it_was(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_FAILS_AT", "cmd/kube-apiserver")
    monkeypatch.setenv("GO_SAYS", "disk is full")
    with pytest.raises(MlstackError, match="Building kube-apiserver failed: disk is full") as caught:
        everything()
    assert "What was built is kept" in caught.value.hint
    assert not home.binaries_folder().exists()
    monkeypatch.setenv("GO_FAILS_AT", "nowhere")
    go.unlink()
    said: list[str] = []
    everything(said)
    assert "etcd (1 of 8) was built before" in said
    assert "cmd/kwok" not in go.read_text()
    assert "cmd/kube-apiserver" in go.read_text()


def test_no_network_is_said(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_FAILS_AT", "server/v3")
    monkeypatch.setenv("GO_SAYS", "go: x: dial tcp: lookup modules: no such host")
    with pytest.raises(MlstackError, match="Building etcd needs the network for Go modules"):
        everything()


def test_a_killed_build_leaves_no_half_program(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_HANGS_AT", "cmd/kwokctl")
    code = "from mlstack.sandbox import build, home; build.everything(home.binaries_folder(), print)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL, start_new_session=True) as process:
        for _ in range(200):
            if go.exists() and "cmd/kwokctl" in go.read_text():
                break
            time.sleep(0.05)
        os.kill(process.pid, signal.SIGINT)
    built = home.work_folder() / "built"
    assert {entry.name for entry in built.iterdir() if not entry.name.startswith(".")} == {"etcd", "kwok"}
    monkeypatch.setenv("GO_HANGS_AT", "nowhere")
    assert (everything() / "kwokctl").read_text() == "built\n"


def test_the_operator_alone(go: Path) -> None:
    folder = home.binaries_folder()
    folder.mkdir(parents=True)
    build.operator(folder, lambda text: None)
    assert {entry.name for entry in folder.iterdir()} == {pins.OPERATOR, "crds"}


def test_only_kubernetes_is_told_its_version() -> None:
    for component in (*pins.CONTROL_PLANE, pins.TRAINING):
        assert ("gitMinor=37" in build.flags(component)) == (component.module == "kubernetes")


def test_the_users_settings_do_not_change_what_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOS", "plan9")
    monkeypatch.setenv("GOFLAGS", "-mod=mod")
    found = build.environment()
    assert "GOOS" not in found
    assert found["GOFLAGS"] == "-mod=readonly -buildvcs=false"


def test_an_old_go_is_not_taken(go: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = go.parent / "gobin" / "go"
    program.write_text(program.read_text().replace("go1.26.8", "go1.21.0"))
    installed: list[Path] = []

    def install(folder: Path) -> None:
        installed.append(folder)
        (folder / "go" / "bin").mkdir(parents=True)
        (folder / "go" / "bin" / "go").write_text(FAKE_GO)
        (folder / "go" / "bin" / "go").chmod(0o755)

    monkeypatch.setattr(golang, "install", install)
    said: list[str] = []
    assert golang.find(said.append) == cache_folder() / "go" / "go" / "bin" / "go"
    assert golang.find(said.append) == cache_folder() / "go" / "go" / "bin" / "go"
    assert len(installed) == len(said) == 1
