"""Where the data folders that ship with mlstack are."""

from __future__ import annotations

from pathlib import Path


def bundled(name: str) -> Path:
    """The folder `name` ("prototypes" or "environments"): inside the installed package (a wheel), else beside it
    (a checkout, an editable install, an unpacked sdist).

    Raises FileNotFoundError where neither is there: the installation is broken.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"mlstack's own folder {name} is missing beside {package}")
