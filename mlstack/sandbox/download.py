"""The official releases, each verified by its published checksum before anything of it is used."""

from __future__ import annotations

import hashlib
import http.client
import re
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mlstack.errors import MlstackError

from . import home, pins

Progress = Callable[[str], None]
CONNECT_S = 4.0
CHUNK = 1 << 20


class Unavailable(Exception):  # noqa: N818 (it is no error: the next source is tried)
    """A release can't be had here; the sentence says why."""


@dataclass(frozen=True)
class Release:
    """A file to download: `checksums` is a text with its SHA-256 (alone, or in a line with its name); `member` is the
    program's path if the file is an archive."""

    program: str
    url: str
    checksums: str
    member: str = ""


def releases() -> list[Release]:
    """The official files of the whole set. Raises Unavailable where there are none."""
    system, machine = pins.system(), pins.machine()
    if system != "linux":
        raise Unavailable("there is no official release of the API server for macOS")
    kubernetes = f"https://dl.k8s.io/release/v{pins.KUBERNETES}/bin/{system}/{machine}"
    kwok = f"https://github.com/kubernetes-sigs/kwok/releases/download/v{pins.KWOK}"
    etcd = f"https://github.com/etcd-io/etcd/releases/download/v{pins.ETCD}"
    archive = f"etcd-v{pins.ETCD}-{system}-{machine}"
    names = [component.name for component in pins.CONTROL_PLANE if component.module == "kubernetes"]
    return [
        *[Release(name, f"{kubernetes}/{name}", f"{kubernetes}/{name}.sha256") for name in names],
        *[
            Release(name, f"{kwok}/{name}-{system}-{machine}", f"{kwok}/{name}-{system}-{machine}.sha256")
            for name in ("kwok", "kwokctl")
        ],
        Release("etcd", f"{etcd}/{archive}.tar.gz", f"{etcd}/SHA256SUMS", f"{archive}/etcd"),
    ]


def fetch(folder: Path, progress: Progress, wanted: list[Release] | None = None) -> None:
    """Download the whole set into `folder`, which appears when all of it is there.

    Raises Unavailable if it can't be reached, MlstackError if a file is not what its checksum says.
    """
    files = releases() if wanted is None else wanted
    unfinished = home.work_folder() / "downloaded"
    home.remove_tree(unfinished)
    unfinished.mkdir(parents=True)
    try:
        for number, release in enumerate(files, 1):
            progress(f"Downloading {release.program} ({number} of {len(files)})")
            one(release, unfinished)
        folder.parent.mkdir(parents=True, exist_ok=True)
        home.remove_tree(folder)
        unfinished.rename(folder)
    finally:
        home.remove_tree(unfinished)


def one(release: Release, folder: Path) -> Path:
    """Download one program into `folder`, verified and executable."""
    expected = checksum(_text(release.checksums), release.url.rpartition("/")[2], release.checksums)
    file = folder / f".{release.program}.download"
    found = _save(release.url, file)
    if found != expected:
        file.unlink()
        raise MlstackError(
            f"{release.url} is not what its checksum says (SHA-256 {found[:12]}…, not {expected[:12]}…): thrown away.",
            "Something on the way changes downloads: set MLSTACK_DOWNLOAD=0 and build with --build.",
        )
    program = folder / release.program
    if release.member:
        _unpack(file, release.member, program)
    else:
        file.rename(program)
    program.chmod(0o755)
    return program


def checksum(text: str, file: str, where: str) -> str:
    """The SHA-256 of `file` in a text of checksums. Raises Unavailable if it is not in there."""
    for line in text.splitlines():
        words = line.split()
        if words and re.fullmatch(r"[0-9a-fA-F]{64}", words[0]) and (len(words) == 1 or words[-1].lstrip("*") == file):
            return words[0].lower()
    raise Unavailable(f"{where} has no checksum of {file}")


def _unpack(archive: Path, member: str, program: Path) -> None:
    with tarfile.open(archive) as tar:
        source = tar.extractfile(member)
        if source is None:
            raise MlstackError(f"{archive.name} has no {member} in it.")
        program.write_bytes(source.read())
    archive.unlink()


def _open(url: str) -> http.client.HTTPResponse:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        raise ValueError(f"{url} is not safe to download from")
    try:
        answer: http.client.HTTPResponse = urllib.request.urlopen(url, timeout=CONNECT_S)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url} can't be had ({getattr(error, 'reason', None) or error})") from error
    return answer


def _text(url: str) -> str:
    with _open(url) as answer:
        return answer.read(CHUNK).decode(errors="replace")


def _save(url: str, file: Path) -> str:
    """Write what `url` has to `file`; its SHA-256."""
    digest = hashlib.sha256()
    try:
        with _open(url) as answer, file.open("wb") as out:
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                out.write(chunk)
    except (OSError, http.client.HTTPException) as error:
        raise Unavailable(f"{url} broke off ({error})") from error
    return digest.hexdigest()
