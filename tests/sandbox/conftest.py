"""The sandbox's pure parts, away from the user's files; programs are small scripts that say a version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlstack.sandbox import sources

MakeSet = Callable[..., Path]


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache and a HOME of one's own, no binaries anywhere, no downloads, no builds."""
    for name in (
        "KUBEBUILDER_ASSETS",
        "MLSTACK_SANDBOX_BINARIES",
        "MLSTACK_SANDBOX_BUILD",
        "MLSTACK_SANDBOX_DIR",
        "KUBECONFIG",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.setenv("MLSTACK_DOWNLOAD", "0")
    return tmp_path


@pytest.fixture
def make_set(tmp_path: Path) -> MakeSet:
    """`make_set("folder", kubectl="1.32.0", etcd=None)`: a folder of programs; None leaves one out."""

    def make(folder: str, **versions: str | None) -> Path:
        path = tmp_path / folder
        path.mkdir(parents=True)
        said = {**sources.VERSIONS, **{name.replace("_", "-"): version for name, version in versions.items()}}
        for name, version in said.items():
            if version is not None:
                (path / name).write_text(f"#!/bin/sh\necho {name} v{version}\n")
                (path / name).chmod(0o755)
        return path

    return make
