"""Where a real node's parts lie on this machine: all below the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

from mlstack.cachefolder import cache_folder

SOURCE = Path(__file__).parent
REPOSITORY = SOURCE.parent.parent
MODULES = SOURCE / "modules"


def root() -> Path:
    """The folder of everything that can be made again."""
    return cache_folder() / "realnode"


def binaries() -> Path:
    """Programs built from Go modules."""
    return root() / "bin"


def system() -> Path:
    """Debian packages, unpacked and not installed."""
    return root() / "system"


def images() -> Path:
    """Images' files, a folder each."""
    return root() / "images"


def store() -> Path:
    """What the registry hands out: blobs and tags."""
    return root() / "registry"


def logs() -> Path:
    """What the long steps said."""
    return root() / "logs"


def nodes() -> Path:
    """The nodes' folders: MLSTACK_REALNODE_DIR, else in the cache."""
    named = os.environ.get("MLSTACK_REALNODE_DIR")
    return Path(named).expanduser().absolute() if named else root() / "nodes"


def library_folders() -> list[Path]:
    """Where the unpacked packages have their shared libraries."""
    return [*system().glob("usr/lib/*-linux-gnu"), *system().glob("lib/*-linux-gnu")]
