"""Files written whole or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from mlstack.errors import MlstackError


def write_atomic(path: Path, data: bytes) -> None:
    """Puts `data` at `path` in one step: a reader, or a crash, sees the old file or the new one.

    A symbolic link stays one (its target is replaced), a file's mode stays; folders on the way are made.
    Raises MlstackError where the file system refuses.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            _write(temporary, data, target)
            temporary.replace(target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        _flush_folder(target.parent)
    except OSError as error:
        raise MlstackError(f"{path} could not be written: {error.strerror}.") from error


def _write(path: Path, data: bytes, like: Path) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(handle, "wb") as file:
        if like.exists():
            os.fchmod(handle, like.stat().st_mode & 0o7777)
        file.write(data)
        file.flush()
        os.fsync(handle)


def _flush_folder(folder: Path) -> None:
    # Without this a power cut may forget the rename itself.
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
