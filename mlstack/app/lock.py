"""mlstack.lock: the content digests of what is vendored, so that a change by hand or by accident is seen."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mlstack.app.packages import tree_files
from mlstack.app.yamlfile import YamlFile
from mlstack.errors import MlstackError

LOCK = "mlstack.lock"
COMMENT = "Written by mlstack: digests of what stands in vendor/. Keep it in git."


def digest(files: Iterable[tuple[str, bytes]]) -> str:
    """sha256 over sorted relative paths and bytes, each preceded by its length so that no two trees look alike."""
    total = hashlib.sha256()
    for path, data in sorted(files):
        for part in (path.encode("utf-8"), data):
            total.update(len(part).to_bytes(8, "big"))
            total.update(part)
    return f"sha256:{total.hexdigest()}"


def tree_digest(path: Path) -> str:
    """The digest of a vendored folder, or of a single file."""
    if path.is_dir():
        return digest((name, (path / name).read_bytes()) for name in tree_files(path))
    return digest([(path.name, path.read_bytes())])


def read_lock(root: Path) -> YamlFile:
    """The app's lock; an empty one, not yet saved, where there is none."""
    path = root / LOCK
    if path.exists():
        return YamlFile.load(path, root, "Lock")
    return YamlFile.new(path, root, "Lock", {}, COMMENT)


def check_vendored(lock: YamlFile, group: str, name: str, path: Path, file: str, again: str) -> None:
    """Raises MlstackError unless what stands at `path` (called `file`) is what the lock says of `name`.

    `group` is "packages" or "platforms"; `again` the command that vendors it anew.
    """
    if not path.exists():
        raise MlstackError(f"{file} is missing, and this app uses it.", f"Take it from git, or: {again}")
    locked = lock.string(group, name, "digest")
    if not locked:
        raise MlstackError(f"{lock.file} says nothing of {file}.", f"Write it: {again}")
    if tree_digest(path) != locked:
        raise MlstackError(
            f"{file} was changed since it was vendored: its digest is not the one in {lock.file}.",
            f"Undo the change (git checkout {file}), or take it anew: {again}",
        )
