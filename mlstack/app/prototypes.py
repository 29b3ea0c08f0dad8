"""Prototypes as an app finds them: by a component's reference, or by what a person types."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mlstack.app.packages import Package, read_prototype
from mlstack.app.project import ComponentFile, Project
from mlstack.app.registries import BUILT_IN, Registry, open_registry
from mlstack.app.vendor import installed, vendored_package
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError, did_you_mean


def prototype_of(project: Project, component: ComponentFile) -> Prototype:
    """The vendored prototype that a component names. Raises MlstackError with the place for an unknown one."""
    file = component.file
    if file is None:
        raise MlstackError(f"{component.name} is plain manifests and has no parameters.")
    if component.name not in project.prototypes:
        project.prototypes[component.name] = _read(project, component)
    return project.prototypes[component.name]


def _read(project: Project, component: ComponentFile) -> Prototype:
    assert component.file is not None
    place = component.file.place("prototype")
    parts = component.prototype.split("/")
    if len(parts) != 3:
        raise MlstackError(f"{place}: prototype must be REGISTRY/PACKAGE/PROTOTYPE, not {component.prototype!r}.")
    package = "/".join(parts[:2])
    if package not in installed(project):
        raise MlstackError(
            f"{place}: the package {package} is not installed in this app.",
            f"Install it: mlstack pkg install {package}",
        )
    try:
        prototype = read_prototype(vendored_package(project, package), parts[2])
    except MlstackError as error:
        raise MlstackError(f"{place}: {error.message}", error.hint) from None
    _check_version(component, prototype)
    return prototype


def _check_version(component: ComponentFile, prototype: Prototype) -> None:
    assert component.file is not None
    wanted = component.file.get("version")
    if wanted is not None and str(wanted) != prototype.version:
        raise MlstackError(
            f"{component.file.place('version')}: {component.name} asks for {prototype.name} {wanted}, and the app's "
            f"package has {prototype.version}.",
            f"Bring them together: mlstack pkg update {prototype.registry}/{prototype.package}",
        )


def available(project: Project | None) -> list[Package]:
    """The packages that `generate` can take: the app's vendored ones, then its registries' others.

    Without an app: the built-in ones. Registries of a kind that is not supported yet offer none.
    """
    if project is None:
        return list(open_registry("kubeflow", BUILT_IN, Path()).packages())
    own = [vendored_package(project, name) for name in installed(project)]
    known = {package.qualified for package in own}
    return [*own, *(package for package in _offered(project) if package.qualified not in known)]


def _offered(project: Project) -> Iterator[Package]:
    for registry in project.registries.values():
        if usable(registry):
            yield from registry.packages()


def usable(registry: Registry) -> bool:
    """Whether its packages can be read: built in, or a folder that is there."""
    return registry.folder is not None and registry.folder.is_dir()


def find_prototype(project: Project | None, typed: str) -> tuple[Package, str]:
    """The package and name of the prototype that a person means: its exact name, PACKAGE/PROTOTYPE,
    REGISTRY/PACKAGE/PROTOTYPE, or a unique ending (`core` for kubeflow-core; decisions.md 9).
    """
    offered = [(package, name) for package in available(project) for name in package.prototypes]
    for matches in (_exact, _suffix):
        found = [(package, name) for package, name in offered if matches(package, name, typed)]
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(f"{package.qualified}/{name}" for package, name in found)
            raise MlstackError(f"Several prototypes are called {typed}: {names}.", "Say which by its full name.")
    names_only = [name for _, name in offered]
    raise MlstackError(
        f"There is no prototype {typed}.", f"{did_you_mean(typed, names_only)} (mlstack prototype list)".strip()
    )


def _exact(package: Package, name: str, typed: str) -> bool:
    return typed in {name, f"{package.name}/{name}", f"{package.qualified}/{name}"}


def _suffix(package: Package, name: str, typed: str) -> bool:
    return name.endswith(f"-{typed}")
