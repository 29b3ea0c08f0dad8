"""The user's own files that a parameter of format `path` names, read for a job to carry along."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from mlstack.app.ignore import IGNORE, Ignored, read_patterns
from mlstack.compose.layers import Setting, resolve_one
from mlstack.compose.places import Place
from mlstack.compose.render import Component
from mlstack.compose.trees import SourceFile, Tree
from mlstack.errors import MlstackError

LARGEST = 900 * 1024  # bytes as sent; an API server takes 1 MiB for all of a ConfigMap
MOST_FILES = 500  # each is named once more in every pod template
BEYOND = (
    f"Leave files out by patterns in a {IGNORE} there; data belongs on a volume (data_pvc) or in a bucket, and code "
    "beyond that into an image, or the program fetches it by git."
)


def with_trees(component: Component, root: Path, namespace: str) -> Component:
    """The component with the files that its parameters of format `path` name, read below the app's `root`.

    Raises MlstackError with the place of the setting for what is missing, leads out of the app or is too large.
    """
    if component.prototype is None:
        return component
    trees = {}
    for parameter in component.prototype.parameters.values():
        if parameter.format == "path":
            setting = resolve_one(component.prototype, parameter, component.layers, component.name, namespace)
            if setting.value:
                trees[parameter.name] = read_tree(root, setting)
    return replace(component, trees=trees) if trees else component


def read_tree(root: Path, setting: Setting) -> Tree:
    """The files below the folder, or the one file, that `setting` names, small enough for a ConfigMap."""
    value = str(setting.value)
    said = f"{setting.place or Place(setting.layer)}: {setting.name} {value}"
    start = root / value
    reading = _Reading(root.resolve(), said, _ignored(start, root))
    if start.is_dir():
        found = dict(reading.below(start, "", ()))
    elif start.exists():
        found = {start.name: reading.checked(start, start.name)}
    else:
        raise MlstackError(f"{said}: there is no such file or folder in the app.", "Paths begin at the app's root.")
    if not found:
        raise MlstackError(f"{said}: there is no file in it.")
    _check_sizes(said, {path: file.stat().st_size for path, file in found.items()})
    tree = Tree(said, {path: _read(file, f"{said}: {path}") for path, file in sorted(found.items())})
    _check_sizes(said, {path: len(path) + len(file.carried.encode()) for path, file in tree.files.items()})
    return tree


@dataclass(frozen=True)
class _Reading:
    root: Path
    said: str
    ignored: Ignored

    def below(self, folder: Path, prefix: str, above: tuple[Path, ...]) -> Iterator[tuple[str, Path]]:
        """(path below the tree, file) of what `folder` holds; `above` are the folders that lead to it."""
        own = folder.resolve()
        if own in above:
            raise MlstackError(f"{self.said}: {prefix.rstrip('/')} is a link to a folder that it lies in.")
        self.checked(folder, prefix.rstrip("/"))
        for entry in self._entries(folder):
            path = f"{prefix}{entry.name}"
            if entry.name.startswith(".") or entry.name == "__pycache__" or self.ignored(path, entry.is_dir()):
                continue
            if entry.is_dir():
                yield from self.below(entry, f"{path}/", (*above, own))
            else:
                yield path, self.checked(entry, path)

    def _entries(self, folder: Path) -> list[Path]:
        try:
            return sorted(folder.iterdir())
        except OSError as error:
            raise MlstackError(f"{self.said}: {folder.name} could not be read: {error.strerror}.") from None

    def checked(self, path: Path, name: str) -> Path:
        """`path`, unless it leads out of the app or to nothing that can be read."""
        found = Path(os.path.realpath(path))  # of a link to itself, too
        if not found.is_relative_to(self.root):
            raise MlstackError(f"{self.said}: {name or 'it'} leads out of the app.", "Copy it into the app.")
        if not (found.is_file() or found.is_dir()):
            raise MlstackError(f"{self.said}: {name} is no file.", f"Remove it, or leave it out by a {IGNORE}.")
        return path


def _ignored(start: Path, root: Path) -> Ignored:
    path = start / IGNORE
    if not path.is_file():
        return lambda *_: False
    file = Path(os.path.normpath(path)).relative_to(os.path.normpath(root)).as_posix()
    return read_patterns(path.read_text("utf-8", errors="replace"), file)


def _read(file: Path, said: str) -> SourceFile:
    try:
        return SourceFile(file.read_bytes(), bool(file.stat().st_mode & 0o100))
    except OSError as error:
        raise MlstackError(f"{said} could not be read: {error.strerror}.") from None


def _check_sizes(said: str, sizes: Mapping[str, int]) -> None:
    if len(sizes) > MOST_FILES:
        raise MlstackError(f"{said} holds {len(sizes)} files, and a job carries at most {MOST_FILES}.", BEYOND)
    total = sum(sizes.values())
    if total > LARGEST:
        largest = sorted(sizes, key=lambda path: (-sizes[path], path))[:3]
        told = ", ".join(f"{path} {_size(sizes[path])}" for path in largest)
        raise MlstackError(
            f"{said} is too large for a job to carry: {_size(total)} of at most {_size(LARGEST)}. Largest: {told}.",
            BEYOND,
        )


def _size(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{-(-count // 1024)} KiB"
