"""A Python with the programs that prototypes run, from requirements.txt: JupyterHub, KubeSpawner, TensorFlow Serving's
protobuf messages. Made once, in mlstack's cache folder; tests of mlstack itself never import them.

requirements.txt is `uv pip compile --universal --generate-hashes --no-emit-index-url` of their pinned names, without
TensorFlow, which the messages do not need.
"""

from __future__ import annotations

import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from mlstack.cachefolder import cache_folder

REQUIREMENTS = Path(__file__).with_name("requirements.txt")


@pytest.fixture(scope="session")
def programs() -> Path:
    """That Python's path."""
    folder = cache_folder() / "oracles" / sha256(REQUIREMENTS.read_bytes()).hexdigest()[:10]
    python = folder / "bin" / "python"
    if not (folder / ".made").is_file():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
        options = ["-q", "--disable-pip-version-check", "--no-deps", "--require-hashes", "--only-binary=:all:"]
        subprocess.run([python, "-m", "pip", "install", *options, "-r", REQUIREMENTS], check=True)
        (folder / ".made").touch()
    return python
