"""Making the images, each once: a recipe that changes makes its image again, and what stands on it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from mlstack.errors import MlstackError

from . import debian, layers, places, store
from .bake import CERTIFICATES, PATH
from .recipes import Recipe
from .shell import Stamp, digest, run, say

BASE_PACKAGES = ("ca-certificates", "python3", "python3-pip", "procps", "iproute2", "curl")


def make(recipes: Iterable[Recipe]) -> None:
    """Put every image into the store that is not there as its recipe says, bases first."""
    made = {"": _Image(None, "", []), "debian": _debian()}
    for recipe in recipes:
        image = made[recipe.key] = _Image(recipe, _contents(recipe, made[recipe.base]), made[recipe.base].folders)
        if not image.stamp.holds():
            _bake(recipe, made[recipe.base], image)
        for name in recipe.names:
            store.tag(name, (image.folder / "manifest").read_text("ascii"))


class _Image:
    """An image's folder: `upper` with its own files, the digests of its layers, and its manifest's."""

    def __init__(self, recipe: Recipe | None, contents: str, below: list[Path]) -> None:
        self.folder = places.images() / (recipe.key if recipe else "debian")
        self.contents = contents
        self.stamp = Stamp(self.folder / ".made", contents)
        self.folders = [self.folder / "upper", *below] if contents else []

    @property
    def layers(self) -> list[str]:
        """Lowest first."""
        path = self.folder / "layers.json"
        return list(json.loads(path.read_text("ascii"))) if self.contents else []

    def finish(self, config: dict[str, Any], below: list[str]) -> None:
        """Keep its files as a layer over those below, and say that it is made."""
        own = [*below, layers.keep(self.folder / "upper")]
        (self.folder / "layers.json").write_text(json.dumps(own), "ascii")
        (self.folder / "manifest").write_text(store.manifest(config, own), "ascii")
        self.stamp.write()


def _contents(recipe: Recipe, base: _Image) -> str:
    files = [f"{target}={digest(source.read_bytes())}" for target, source in sorted(recipe.files.items())]
    lists = (recipe.apt, recipe.pip, recipe.npm, recipe.run)
    return "\n".join([base.contents, *files, *map(str, lists), json.dumps(recipe.config, sort_keys=True)])


def _debian() -> _Image:
    """The base of all: a minimal Debian with Python, by debootstrap, once."""
    mirror = debian.mirror()
    image = _Image(None, "\n".join([mirror.codename, mirror.sources, *BASE_PACKAGES]), [])
    if image.stamp.holds():
        return image
    started = time.monotonic()
    say("Making the images' base, about a minute.")
    _empty(image.folder)
    upper = image.folder / "upper"
    system = places.system()
    words = [system / "usr/sbin/debootstrap", "--variant=minbase", f"--include={','.join(BASE_PACKAGES)}"]
    env = {**os.environ, "DEBOOTSTRAP_DIR": str(system / "usr/share/debootstrap")}
    run([*words, mirror.codename, upper, mirror.address], "Making a minimal Debian", env=env)
    _trim(upper)
    (upper / "etc/apt/sources.list").write_text(mirror.sources, "utf-8")
    if CERTIFICATES.exists():
        shutil.copyfile(CERTIFICATES, upper / "etc/ssl/certs/ca-certificates.crt")
    image.finish({"Env": [f"PATH={PATH}"]}, [])
    say(f"base made in {time.monotonic() - started:.0f} s")
    return image


def _trim(upper: Path) -> None:
    for marker in upper.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()
    for folder in ("usr/share/doc", "usr/share/locale", "var/cache/apt/archives"):
        shutil.rmtree(upper / folder, ignore_errors=True)
    (upper / "var/cache/apt/archives/partial").mkdir(parents=True)
    (upper / "usr/bin/python").symlink_to("python3")


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name in ("upper", "work", "root"):
        (folder / name).mkdir(parents=True)


def _bake(recipe: Recipe, base: _Image, image: _Image) -> None:
    started = time.monotonic()
    _empty(image.folder)
    asked = {
        "lower": [str(folder) for folder in base.folders],
        "files": {target: str(source) for target, source in recipe.files.items()},
        "apt": recipe.apt, "pip": recipe.pip, "npm": recipe.npm, "run": recipe.run,
    }  # fmt: skip
    (image.folder / "recipe.json").write_text(json.dumps(asked), "utf-8")
    apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    words = [*apart, sys.executable, "-m", "tools.realnode.bake", image.folder]
    run(words, f"Making image {recipe.key}", cwd=places.REPOSITORY)
    image.finish(_config(recipe), base.layers)
    for name in ("work", "root"):
        shutil.rmtree(image.folder / name, ignore_errors=True)
    say(f"image {recipe.key} made in {time.monotonic() - started:.0f} s")


def _config(recipe: Recipe) -> dict[str, Any]:
    env = {"PATH": PATH, **recipe.config.get("Env", {})}
    return {**recipe.config, "Env": [f"{key}={value}" for key, value in env.items()]}


def require(recipes: Iterable[Recipe]) -> None:
    """Raise MlstackError if an image is missing."""
    for recipe in recipes:
        if not (places.images() / recipe.key / ".made").is_file():
            raise MlstackError(f"The image {recipe.key} is not made.", "Run python -m tools.realnode images first.")
