"""registry add, list, describe."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

from mlstack.app.names import check_label
from mlstack.app.project import Project
from mlstack.app.prototypes import usable
from mlstack.app.registries import Registry, address_kind, open_registry
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class RegistryAdded:
    """A registry that the app knows now. `changed` is False where it knew it before; `given` is what was typed."""

    name: str
    address: str
    kind: str
    given: str
    changed: bool

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        if self.kind == "built-in":
            known = "added" if self.changed else "known already"
            return (f"Registry {self.name}: {self.given} means the built-in packages; {known}, no network needed.",)
        if not self.changed:
            return (f"Registry {self.name} is known already: {self.address}.",)
        line = f"Added registry {self.name}: {self.address}."
        later = " Installing from this kind is not supported yet." if self.kind in {"git", "oci"} else ""
        return (line + later,)


@dataclass(frozen=True)
class RegistryInfo:
    """A registry: `kind` is built-in, folder, git or oci; `packages` is empty where they cannot be read."""

    name: str
    address: str
    kind: str
    description: str
    packages: tuple[tuple[str, str, str], ...]  # name, version, description


def add_registry(project: Project, name: str, address: str) -> RegistryAdded:
    """Stores a registry in mlstack.yaml. A known name with the same address changes nothing (decisions.md 9)."""
    check_label("a registry", name)
    registry = open_registry(name, _as_stored(project, address), project.root)
    known = project.registries.get(name)
    if known and known.address == registry.address:
        return RegistryAdded(name, registry.address, registry.kind, address, changed=False)
    if known:
        place = project.app.place("registries", name)
        raise MlstackError(
            f"Registry {name} is {known.address} already ({place}).", "Choose another name, or change it there."
        )
    if registry.folder is not None:
        registry.packages()  # a folder that is no registry is refused now, not at the first install
    app = copy.copy(project.app)
    app.set(["registries", name], registry.address)
    app.save()
    return RegistryAdded(name, registry.address, registry.kind, address, changed=True)


def _as_stored(project: Project, address: str) -> str:
    """A folder's address as others of the team can use it: relative to the app where it is near."""
    if address_kind(address) != "folder":
        return address
    folder = Path(address).expanduser().resolve()
    if not folder.is_dir():
        raise MlstackError(
            f"{address} is no folder, and no address that is known.",
            "Give a folder with a registry.yaml, https://HOST/REPOSITORY.git, or oci://HOST/PATH.",
        )
    for prefix, base in (("./", project.root), ("../", project.root.parent)):
        if folder.is_relative_to(base):
            return prefix + folder.relative_to(base).as_posix()
    return folder.as_posix()


def list_registries(project: Project) -> list[RegistryInfo]:
    """All registries of the app."""
    return [_info(registry) for registry in project.registries.values()]


def describe_registry(project: Project, name: str) -> RegistryInfo:
    """One registry with its packages. Raises MlstackError for an unknown one, or a folder that is gone."""
    registry = project.registry(name)
    if registry.kind == "folder":
        registry.packages()
    return _info(registry)


def _info(registry: Registry) -> RegistryInfo:
    if not usable(registry):
        return RegistryInfo(registry.name, registry.address, registry.kind, "", ())
    packages = tuple((found.name, found.version, found.description) for found in registry.packages())
    return RegistryInfo(registry.name, registry.address, registry.kind, registry.description(), packages)
