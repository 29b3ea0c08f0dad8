"""mlstack's folder in the user's cache: what is there can be made again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """MLSTACK_CACHE_DIR, else the system's place for caches. It may not exist yet."""
    named = os.environ.get("MLSTACK_CACHE_DIR")
    if named:
        return Path(named).expanduser().absolute()
    import platformdirs  # only where nobody has said it

    return platformdirs.user_cache_path("mlstack")
