"""Compiled templates kept between commands: compiling them takes a third of a short command's time."""

from __future__ import annotations

from contextlib import suppress

import jinja2
from jinja2.bccache import Bucket

from mlstack.cachefolder import cache_folder
from mlstack.version import __version__


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """A folder of compiled templates, by the digest of their text. One that can't be used costs time, nothing else."""

    def load_bytecode(self, bucket: Bucket) -> None:
        """As Jinja2's, but an unreadable file counts as none."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """As Jinja2's, but a full or read-only disk is not this command's business."""
        with suppress(OSError):
            super().dump_bytecode(bucket)


def compiled_templates() -> jinja2.BytecodeCache | None:
    """The cache of this release; None where its folder cannot be made."""
    folder = cache_folder() / f"templates-{__version__}"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return None
    return CompiledTemplates(str(folder))
