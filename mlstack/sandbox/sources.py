"""Where a sandbox's binaries come from: one complete set of the pinned version, from the first source that has one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError

from . import build, download, home, pins

Progress = Callable[[str], None]
NAMES = tuple(component.name for component in pins.CONTROL_PLANE)


@dataclass(frozen=True)
class Binaries:
    """A complete set: its folder, and which source it is from. The operator, when there is one, lies beside it."""

    folder: Path
    source: str

    @property
    def operator(self) -> Path | None:
        """The training operator, built for sandboxes; None if this set has none."""
        path = self.folder / pins.OPERATOR
        return path if path.exists() else None


def find(
    named: Path | None = None, *, may_build: bool | None = None, progress: Progress = lambda text: None
) -> Binaries:
    """The binaries, by the order of sources: a named folder (or MLSTACK_SANDBOX_BINARIES), KUBEBUILDER_ASSETS, PATH,
    the cache, the official download, a build.

    `may_build` permits a build of minutes (None: as MLSTACK_SANDBOX_BUILD says). Raises MlstackError with one sentence
    that says what is needed.
    """
    permitted = os.environ.get("MLSTACK_SANDBOX_BUILD", "0") not in ("", "0") if may_build is None else may_build
    chosen = _named(named) or _around() or _cached()
    if chosen is None:
        with home.locked(cache_folder() / "binaries.lock", "Another mlstack is fetching the sandbox's binaries."):
            chosen = _cached() or _downloaded(progress) or _built(permitted, progress)
    if chosen.operator is None and chosen.folder == home.binaries_folder() and permitted:
        with home.locked(cache_folder() / "binaries.lock", "Another mlstack is building the training operator."):
            build.operator(chosen.folder, progress)
    return chosen


def _named(given: Path | None) -> Binaries | None:
    text = os.environ.get("MLSTACK_SANDBOX_BINARIES", "")
    folder = given or (Path(text).expanduser() if text else None)
    if folder is None:
        return None
    said = "--binaries" if given else "MLSTACK_SANDBOX_BINARIES"
    problem = flaw(folder)
    if problem:
        raise MlstackError(
            f"The folder {folder} ({said}) {problem}.",
            f"A sandbox needs {', '.join(NAMES)} of Kubernetes {minor(pins.KUBERNETES)} in it.",
        )
    return Binaries(folder.resolve(), said)


def _around() -> Binaries | None:
    """A set in KUBEBUILDER_ASSETS or on PATH; anything incomplete or of another version there is passed over."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and not flaw(Path(assets).expanduser()):
        return Binaries(Path(assets).expanduser().resolve(), "KUBEBUILDER_ASSETS")
    server = shutil.which("kube-apiserver")
    folder = Path(server).parent if server else None
    return Binaries(folder.resolve(), "PATH") if folder and not flaw(folder) else None


def _cached() -> Binaries | None:
    folder = home.binaries_folder()
    return None if lacks(folder) else Binaries(folder, "the cache")


def _downloaded(progress: Progress) -> Binaries | None:
    if os.environ.get("MLSTACK_DOWNLOAD", "1") == "0":
        return None
    try:
        download.fetch(home.binaries_folder(), progress)
    except download.Unavailable as error:
        progress(f"No download: {error}")
        return None
    return Binaries(home.binaries_folder(), "the official download")


def _built(permitted: bool, progress: Progress) -> Binaries:
    if not permitted:
        raise MlstackError(
            f"The sandbox needs the Kubernetes {pins.KUBERNETES} binaries, which are not on this machine and can not be"
            f" downloaded; building them from Go modules takes {build.usually()}, once.",
            "Say --build (or MLSTACK_SANDBOX_BUILD=1) to build them, or name a folder that has them with --binaries.",
        )
    build.everything(home.binaries_folder(), progress)
    return Binaries(home.binaries_folder(), "a build")


def lacks(folder: Path) -> list[str]:
    """The programs of the set that `folder` does not have."""
    return [name for name in NAMES if not os.access(folder / name, os.X_OK) or (folder / name).is_dir()]


def flaw(folder: Path) -> str:
    """Why `folder` can't be taken, as the end of a sentence; empty if it can."""
    if missing := lacks(folder):
        return f"lacks {', '.join(missing)}"
    for name, wanted in VERSIONS.items():
        found = version(folder / name)
        if minor(found) != minor(wanted):
            return f"has {name} {found or 'of no known version'}, not {minor(wanted)}"
    return ""


VERSIONS = {
    "kube-apiserver": pins.KUBERNETES,
    "kube-controller-manager": pins.KUBERNETES,
    "kube-scheduler": pins.KUBERNETES,
    "kubectl": pins.KUBERNETES,
    "etcd": pins.ETCD,
    "kwok": pins.KWOK,
    "kwokctl": pins.KWOK,
}


def version(program: Path) -> str:
    """The version that a program says it is (1.37.2); empty if it says none."""
    asked = [str(program), *(["version", "--client"] if program.name == "kubectl" else ["--version"])]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    found = re.search(r"\bv?(\d+\.\d+\.\d+)\b", done.stdout)
    return found[1] if found else ""


def minor(version: str) -> str:
    """Major and minor: 1.37 of 1.37.2."""
    return ".".join(version.split(".")[:2])
