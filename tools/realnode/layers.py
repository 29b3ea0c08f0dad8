"""A folder as an image's layer: a tar file in the store, what an overlay took away marked as such."""

from __future__ import annotations

import hashlib
import os
import stat
import tarfile
from pathlib import Path
from typing import IO

from . import store

# The kubelet and the runtime fill these; the rest nobody reads in a test.
EMPTY = ("proc", "sys", "dev", "run")
LEFT_OUT = frozenset(
    ("etc/resolv.conf", "root/.cache", "root/.npm", "var/cache/apt", "var/lib/apt/lists", "var/cache/debconf",
     "var/log", "usr/share/doc", "usr/share/man", "usr/share/locale")
)  # fmt: skip


class _Hashing:
    """A file to write to that knows the SHA-256 of what went through."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.sum = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self.sum.update(data)
        return self.file.write(data)


class _Layer:
    """A tar file being written from a folder."""

    def __init__(self, folder: Path, tar: tarfile.TarFile) -> None:
        self.folder = folder
        self.tar = tar
        self.seen: dict[tuple[int, int], str] = {}

    def add(self, name: str) -> None:
        """The file or folder `name`, with all that is in it."""
        path = self.folder / name
        facts = path.lstat()
        if stat.S_ISCHR(facts.st_mode) and facts.st_rdev == 0:  # an overlay's mark of something removed
            self.tar.addfile(tarfile.TarInfo(os.path.join(os.path.dirname(name), f".wh.{path.name}")))
        elif stat.S_ISDIR(facts.st_mode):
            self.add_folder(name, path, _entry(name, facts))
        elif stat.S_ISLNK(facts.st_mode):
            entry = _entry(name, facts)
            entry.type, entry.linkname = tarfile.SYMTYPE, os.readlink(path)
            self.tar.addfile(entry)
        elif stat.S_ISREG(facts.st_mode):
            self.add_file(path, facts, _entry(name, facts))

    def add_folder(self, name: str, path: Path, entry: tarfile.TarInfo) -> None:
        entry.type = tarfile.DIRTYPE
        self.tar.addfile(entry)
        if name in EMPTY:
            return
        if _is_opaque(path):
            self.tar.addfile(tarfile.TarInfo(f"{name}/.wh..wh..opq"))
        for child in sorted(os.listdir(path)):
            if f"{name}/{child}" not in LEFT_OUT:
                self.add(f"{name}/{child}")

    def add_file(self, path: Path, facts: os.stat_result, entry: tarfile.TarInfo) -> None:
        first = self.seen.setdefault((facts.st_dev, facts.st_ino), entry.name)
        if first != entry.name:
            entry.type, entry.linkname = tarfile.LNKTYPE, first
            self.tar.addfile(entry)
            return
        entry.size = facts.st_size
        with path.open("rb") as file:
            self.tar.addfile(entry, file)


def _entry(name: str, facts: os.stat_result) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.uid, entry.gid = stat.S_IMODE(facts.st_mode), facts.st_uid, facts.st_gid
    entry.mtime = int(facts.st_mtime)
    return entry


def _is_opaque(path: Path) -> bool:
    """Whether an overlay's folder hides all that lies below it."""
    try:
        return os.getxattr(path, "trusted.overlay.opaque", follow_symlinks=False) == b"y"
    except OSError:
        return False


def keep(folder: Path) -> str:
    """Put the folder into the store as a layer; its digest in hexadecimal."""
    store.blobs().mkdir(parents=True, exist_ok=True)
    unfinished = store.blobs() / f".unfinished-{os.getpid()}"
    with unfinished.open("wb", 1 << 20) as file:
        hashing = _Hashing(file)
        with tarfile.open(fileobj=hashing, mode="w|", format=tarfile.PAX_FORMAT) as tar:  # type: ignore[call-overload]  # a stream needs write() alone
            layer = _Layer(folder, tar)
            for child in sorted(os.listdir(folder)):
                layer.add(child)
    name = hashing.sum.hexdigest()
    unfinished.rename(store.blobs() / name)
    return name
