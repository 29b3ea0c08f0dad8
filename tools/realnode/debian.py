"""Debian packages from the mirrors that this machine's apt knows, with lists of our own beside the machine's."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from mlstack.errors import MlstackError

from . import places
from .shell import Stamp, run


@dataclass(frozen=True)
class Mirror:
    """Where apt gets this machine's distribution from, as `bookworm` from some address."""

    address: str
    codename: str
    suites: tuple[tuple[str, str], ...]
    """Address and suite of everything that apt reads: updates and security too."""

    @property
    def sources(self) -> str:
        """A sources.list for an image."""
        return "".join(f"deb {address} {suite} main\n" for address, suite in self.suites)


def _apt() -> list[str]:
    lists, cache = places.root() / "apt" / "lists", places.root() / "apt" / "cache"
    for folder in (lists / "partial", cache / "archives" / "partial"):
        folder.mkdir(parents=True, exist_ok=True)
    return ["-qq", "-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={cache}", "-o", "APT::Sandbox::User=root"]


@functools.cache
def mirror() -> Mirror:
    """The machine's mirror. Raises MlstackError where apt knows none: this works on Debian and what is made like it."""
    wanted = ["--format", "$(REPO_URI) $(RELEASE) $(CODENAME)", "Created-By: Packages", "Component: main"]
    lines = run(["apt-get", "indextargets", *wanted], "Asking apt for its mirrors").split("\n")
    suites = list(dict.fromkeys(tuple(line.split()) for line in lines if len(line.split()) == 3))
    release = next((line for line in suites if "-" not in line[2]), None)
    if release is None:
        raise MlstackError("apt knows no mirror of this machine's distribution.", "A real node needs Debian's apt.")
    return Mirror(release[0], release[2], tuple((address, suite) for address, suite, _ in suites))


def unpack(packages: Sequence[str]) -> None:
    """The packages' files below places.system(), once."""
    stamp = Stamp(places.system() / ".packages", *packages)
    if stamp.holds():
        return
    folder = places.root() / "apt" / "packages"
    folder.mkdir(parents=True, exist_ok=True)
    run(["apt-get", "update", *_apt()], "Reading Debian's package lists")
    run(["apt-get", "download", *_apt(), *packages], "Getting Debian packages", cwd=folder)
    for file in sorted(folder.glob("*.deb")):
        run(["dpkg", "-x", file, places.system()], f"Unpacking {file.name}")
    stamp.write()
