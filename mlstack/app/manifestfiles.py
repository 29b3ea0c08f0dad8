"""The files of a component's directory of plain manifests: read as kubectl reads a directory with -R."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlstack.compose.places import Place
from mlstack.errors import MlstackError

SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_KUSTOMIZATIONS = frozenset({"kustomization.yaml", "kustomization.yml", "Kustomization"})


def holds_manifests(folder: Path) -> bool:
    """Whether a directory is one of manifests: a file in it or below it looks like one."""
    return any(_is_manifest(path) or path.name in _KUSTOMIZATIONS for path in _files(folder))


def read_manifests(folder: Path, root: Path) -> tuple[tuple[Place, str], ...]:
    """(place, text) of each manifest file in `folder` and below it, sorted.

    Raises MlstackError for a kustomization and for what is not UTF-8.
    """
    found = []
    for path in _files(folder):
        file = path.relative_to(root).as_posix()
        if path.name in _KUSTOMIZATIONS:
            hint = f"Put what it builds there instead: kubectl kustomize {path.parent.relative_to(root)} > FILE.yaml"
            raise MlstackError(f"{file}: kustomizations are not supported.", hint)
        if _is_manifest(path):
            found.append((Place(file, 1), _text(path, file)))
    return tuple(found)


def unread(folder: Path, root: Path) -> tuple[str, ...]:
    """A sentence on each file that is not read. Hidden files and editors' copies are none of the user's manifests."""
    return tuple(
        f"{path.relative_to(root).as_posix()} is not read: manifests are .yaml, .yml and .json files."
        for path in _files(folder)
        if not _is_manifest(path) and path.name not in _KUSTOMIZATIONS
    )


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir():
            # A link may lead back to where it stands.
            yield from () if path.is_symlink() else _files(path)
        else:
            yield path


def _is_manifest(path: Path) -> bool:
    return path.suffix in SUFFIXES and path.name not in _KUSTOMIZATIONS


def _text(path: Path, file: str) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        raise MlstackError(f"{file}: this is not UTF-8 text.") from None
    except OSError as error:
        raise MlstackError(f"{file} could not be read: {error.strerror}.") from None
