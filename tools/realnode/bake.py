"""Filling an image's folder, in mounts of its own: `python -m tools.realnode.bake FOLDER`, started by images.py.

It runs in a mount and a PID namespace of its own: whatever happens, nothing stays mounted.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from .shell import run

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Where this machine gets its packages from, whatever way it was told: the image's pip and apt ask there, too.
PASSED_ON = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY",
             "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")  # fmt: skip


def inside(root: Path, *words: str) -> None:
    """Run a command in the image. Raises MlstackError with its last words."""
    kept = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    env = {
        **kept, "PATH": PATH, "HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
        "PIP_CERT": str(CERTIFICATES), "PIP_BREAK_SYSTEM_PACKAGES": "1", "PIP_ROOT_USER_ACTION": "ignore",
        "PIP_NO_CACHE_DIR": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }  # fmt: skip
    run(["chroot", root, *words], f"{' '.join(words)[:60]} in the image", env=env)


def fill(folder: Path) -> None:
    """Put into FOLDER/upper what FOLDER/recipe.json says, over the layers that it names."""
    recipe = json.loads((folder / "recipe.json").read_text("utf-8"))
    root = folder / "root"
    if recipe["lower"]:
        options = f"lowerdir={':'.join(recipe['lower'])},upperdir={folder / 'upper'},workdir={folder / 'work'}"
        run(["mount", "-t", "overlay", "overlay", "-o", options, root], "Mounting the image")
        _mount_system(root)
    else:
        run(["mount", "--bind", folder / "upper", root], "Mounting the image")
    _files(root, recipe["files"])
    _packages(root, recipe)
    for command in recipe["run"]:
        inside(root, *(["/bin/sh", "-ec", command] if recipe["lower"] else command.split()))


def _mount_system(root: Path) -> None:
    for name in ("proc", "dev", "etc"):
        (root / name).mkdir(exist_ok=True)
    run(["mount", "-t", "proc", "proc", root / "proc"], "Mounting /proc in the image")
    run(["mount", "--rbind", "/dev", root / "dev"], "Mounting /dev in the image")
    shutil.copyfile("/etc/resolv.conf", root / "etc" / "resolv.conf")


def _files(root: Path, files: dict[str, str]) -> None:
    for target, source in files.items():
        path = root / target.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, path)


def _packages(root: Path, recipe: dict[str, Any]) -> None:
    if recipe["apt"]:
        inside(root, "apt-get", "-qq", "update")
        inside(root, "apt-get", "-qq", "-y", "--no-install-recommends", "install", *recipe["apt"])
        inside(root, "apt-get", "clean")
    if recipe["pip"]:
        inside(root, "pip", "install", "-q", *recipe["pip"])
    if recipe["npm"]:
        run(["npm", "install", "-s", "-g", "--prefix", root / "usr" / "local", *recipe["npm"]], "npm install")


if __name__ == "__main__":
    fill(Path(sys.argv[1]))
