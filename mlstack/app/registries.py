"""Registries: where packages come from. The built-in one and folders work; the others are stored for later."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from mlstack.app.packages import Package, read_document, read_package
from mlstack.bundled import bundled
from mlstack.errors import MlstackError, did_you_mean

BUILT_IN = "built-in"
# The address of 2017's announcement, its repository's later owner, any branch, with and without the folder.
OLD_ADDRESS = re.compile(
    r"(?:https?://)?(?:www\.)?github\.com/(?:google|kubeflow)/kubeflow(?:\.git)?(?:/tree/[^/]+(?:/kubeflow)?)?/?\Z"
)
GIT = re.compile(r"(?:git\+|git@|ssh://|git://|https?://|(?:github|gitlab)\.com/|bitbucket\.org/)|.*\.git\Z")
SAID = {"built-in": "built in", "folder": "a folder", "git": "a git repository", "oci": "an OCI registry"}


@dataclass(frozen=True)
class Registry:
    """A registry that an app knows. `kind`: built-in, folder, git or oci; `source` names it in messages."""

    name: str
    address: str
    kind: str
    folder: Path | None
    source: str

    @property
    def said(self) -> str:
        """Its kind in words."""
        return SAID[self.kind]

    def packages(self) -> tuple[Package, ...]:
        """All its packages by name. Raises MlstackError for a kind that is not supported yet."""
        return tuple(self.package(path.parent.name) for path in sorted(self._open().glob("*/package.yaml")))

    def package(self, name: str) -> Package:
        """Its package called `name`. Raises MlstackError for an unknown one."""
        folder = self._open()
        if not (folder / name / "package.yaml").is_file():
            known = [path.parent.name for path in folder.glob("*/package.yaml")]
            raise MlstackError(f"Registry {self.name} has no package {name}.", did_you_mean(name, known))
        return read_package(folder / name, self.name, f"{self.source}/{name}")

    def description(self) -> str:
        """What its registry.yaml says of it."""
        data = read_document(self._open() / "registry.yaml", f"{self.source}/registry.yaml", "Registry")
        return str(data.get("description", ""))

    def _open(self) -> Path:
        if self.folder is None:
            raise MlstackError(
                f"Registry {self.name} is {self.said} ({self.address}); this mlstack installs from the built-in "
                "registry and from folders only.",
                "Clone it and add the folder: mlstack registry add NAME ./FOLDER",
            )
        if not (self.folder / "registry.yaml").is_file():
            raise MlstackError(f"Registry {self.name}: there is no registry.yaml in {self.address}.")
        return self.folder


def open_registry(name: str, address: str, root: Path) -> Registry:
    """The registry at `address`, a folder's being relative to the app's `root`. Nothing is read yet."""
    kind = address_kind(address)
    if kind == "built-in":
        return Registry(name, BUILT_IN, kind, bundled("prototypes"), "prototypes")
    folder = root / Path(address).expanduser() if kind == "folder" else None
    return Registry(name, address, kind, folder, address)


def address_kind(address: str) -> str:
    """built-in, oci, git or folder."""
    if address == BUILT_IN or OLD_ADDRESS.match(address):
        return "built-in"
    if address.startswith("oci://"):
        return "oci"
    return "git" if GIT.match(address) else "folder"
