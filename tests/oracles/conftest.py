"""Pythons with the programs that prototypes run: JupyterHub, KubeSpawner and TensorFlow Serving's protobuf messages
(requirements.txt), TensorFlow (tensorflow.txt). Made once, in mlstack's cache folder; mlstack never imports them.

Both files are `uv pip compile --universal --generate-hashes --no-emit-index-url` of pinned names, the first without
TensorFlow, which the messages do not need.
"""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from mlstack.cachefolder import cache_folder

HERE = Path(__file__).parent


def made(requirements: str) -> Path:
    """The path of a Python with what that file lists, made once."""
    file = HERE / requirements
    folder = cache_folder() / "oracles" / sha256(file.read_bytes()).hexdigest()[:10]
    python = folder / "bin" / "python"
    if not (folder / ".made").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        options = ["-q", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        subprocess.run([python, "-m", "pip", "install", *options, "-r", file], check=True)
        (folder / ".made").touch()
    return python


@pytest.fixture(scope="session")
def programs() -> Path:
    """The Python that has JupyterHub, KubeSpawner and TensorFlow Serving's messages."""
    return made("requirements.txt")


@pytest.fixture(scope="session")
def tensorflow() -> Path:
    """The Python that has TensorFlow, of the version of the prototypes' image."""
    return made("tensorflow.txt")
