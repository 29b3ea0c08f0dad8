"""The pins agree with the modules they are built from."""

from __future__ import annotations

import platform
import sys

import pytest

from mlstack.errors import MlstackError
from mlstack.sandbox import build, pins


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("kubernetes", f"k8s.io/kubernetes v{pins.KUBERNETES}"),
        ("etcd", f"go.etcd.io/etcd/server/v3 v{pins.ETCD}"),
        ("kwok", f"sigs.k8s.io/kwok v{pins.KWOK}"),
        ("operator", f"github.com/kubeflow/training-operator v{pins.TRAINING_OPERATOR}"),
    ],
)
def test_modules_require_the_pinned_versions(module: str, line: str) -> None:
    assert line in (build.MODULES / module / "go.mod").read_text()
    assert "h1:" in (build.MODULES / module / "go.sum").read_text()


def test_every_component_has_its_module() -> None:
    modules = {component.module for component in (*pins.CONTROL_PLANE, pins.TRAINING)}
    assert modules == {folder.name for folder in build.MODULES.iterdir()}


def test_no_module_needs_a_newer_go_than_asked_for() -> None:
    for module in build.MODULES.iterdir():
        line = next(line for line in (module / "go.mod").read_text().splitlines() if line.startswith("go "))
        major, minor, *_ = line.split()[1].split(".")
        assert (int(major), int(minor)) <= pins.GO


@pytest.mark.parametrize(("said", "wanted"), [("x86_64", "amd64"), ("aarch64", "arm64"), ("arm64", "arm64")])
def test_machine(said: str, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: said)
    assert pins.machine() == wanted


def test_machine_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    with pytest.raises(MlstackError, match="riscv64"):
        pins.machine()


def test_system_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(MlstackError, match="win32"):
        pins.system()
