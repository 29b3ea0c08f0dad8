"""Where sandboxes and their binaries live on this machine, and how two commands keep out of each other's way."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from mlstack.cachefolder import cache_folder
from mlstack.errors import MlstackError

from . import pins

NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?")


def binaries_folder() -> Path:
    """Where the cached set of binaries is, or would be."""
    return cache_folder() / "binaries" / pins.set_name()


def work_folder() -> Path:
    """Where unfinished builds and downloads lie, to be continued."""
    return cache_folder() / "work" / pins.set_name()


def sandboxes_folder() -> Path:
    """The folder of all sandboxes, one subfolder each: MLSTACK_SANDBOX_DIR, else in the cache."""
    named = os.environ.get("MLSTACK_SANDBOX_DIR")
    return Path(named).expanduser().absolute() if named else cache_folder() / "sandboxes"


@dataclass(frozen=True)
class Home:
    """The folder of one sandbox, which holds all that belongs to it."""

    name: str

    @property
    def folder(self) -> Path:
        """All of the sandbox's files; gone after `down`."""
        return sandboxes_folder() / self.name

    @property
    def kwok(self) -> Path:
        """KWOK_WORKDIR."""
        return self.folder / "kwok"

    @property
    def cluster(self) -> Path:
        """Where kwokctl keeps the control plane: its pids, logs, certificates and data."""
        return self.kwok / "clusters" / self.name

    @property
    def admin_kubeconfig(self) -> Path:
        """The control plane's own kubeconfig, by kwokctl: never the user's."""
        return self.cluster / "kubeconfig.yaml"

    @property
    def state(self) -> Path:
        """What `up` was asked for and how far it came."""
        return self.folder / "sandbox.json"

    @property
    def supervisor(self) -> Path:
        """What the supervisor last said of itself and of the operator."""
        return self.folder / "supervisor.json"

    @property
    def operator(self) -> Path:
        """The training operator's certificate, kubeconfig and log."""
        return self.folder / "operator"


def home(name: str) -> Home:
    """The home of the sandbox `name`. Raises MlstackError if that can't be a name."""
    if not NAME.fullmatch(name):
        raise MlstackError(f"{name!r} can't name a sandbox.", "Take at most 40 lower-case letters, digits and dashes.")
    return Home(name)


def names() -> list[str]:
    """The sandboxes there are, running or not."""
    folder = sandboxes_folder()
    return (
        sorted(entry.name for entry in folder.iterdir() if (entry / "sandbox.json").exists()) if folder.is_dir() else []
    )


@contextmanager
def locked(path: Path, busy: str) -> Iterator[None]:
    """Hold an exclusive lock on `path`; the system takes it back if this process dies.

    Raises MlstackError with the sentence `busy` if another process holds it, and if its folder can't be written.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MlstackError(busy, "Wait for it, or stop it with Ctrl-C.") from None
        yield


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a")
    except OSError as error:
        problem = f"The folder {path.parent} can't be written: {error.strerror}."
        raise MlstackError(problem, "MLSTACK_CACHE_DIR names another one.") from error


def write_atomically(path: Path, data: str, mode: int = 0o600) -> None:
    """Replace `path` in one step, so that a reader or a crash sees the old or the new text, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).chmod(mode)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in `path`; empty if the file is missing or was never finished."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return value if isinstance(value, dict) else {}


def remove_tree(path: Path) -> None:
    """Remove a folder that may be gone already, or vanish meanwhile."""
    shutil.rmtree(path, ignore_errors=True)
