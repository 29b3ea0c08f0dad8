"""pkg install, remove, list, describe."""

from __future__ import annotations

from dataclasses import dataclass

from mlstack.app.packages import Package, read_prototype
from mlstack.app.project import Project
from mlstack.app.prototypes import usable
from mlstack.app.vendor import install, installed, uninstall, vendored_package
from mlstack.errors import MlstackError, did_you_mean


@dataclass(frozen=True)
class PackageInstalled:
    """A package that the app has now. `changed` is False where it had it before; `said` is the registry's kind."""

    package: str
    version: str
    said: str
    prototypes: tuple[str, ...]
    changed: bool

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        if not self.changed:
            return (f"Package {self.package} {self.version} is installed already.",)
        return (f"Installed package {self.package} {self.version} ({self.said}).",)


@dataclass(frozen=True)
class PackageRemoved:
    """A package that the app no longer has."""

    package: str

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        return (f"Removed package {self.package}.",)


@dataclass(frozen=True)
class PackageInfo:
    """A package. `installed` is the version that the app has, "" if none; `prototypes` are (name, summary)."""

    registry: str
    name: str
    version: str
    description: str
    installed: str
    prototypes: tuple[tuple[str, str], ...] = ()


def install_package(project: Project, typed: str, force: bool = False) -> PackageInstalled:
    """Installs PACKAGE or REGISTRY/PACKAGE, with @VERSION if that one is meant.

    An installed one stays as it is; `force` takes it anew from its registry.
    """
    name, _, version = typed.partition("@")
    qualified = resolve_package(project, name)
    registry = project.registry(qualified.split("/")[0])
    had = installed(project).get(qualified)
    if had and not force and version in {"", had}:
        found = vendored_package(project, qualified)
        return PackageInstalled(qualified, found.version, registry.said, found.prototypes, changed=False)
    package = registry.package(qualified.split("/")[1])
    if version and version != package.version:
        raise MlstackError(f"Registry {registry.name} has {package.name} {package.version}, and no {version}.")
    changed = install(project, package)
    return PackageInstalled(qualified, package.version, registry.said, package.prototypes, changed)


def resolve_package(project: Project, name: str) -> str:
    """REGISTRY/PACKAGE of what a person typed. Raises MlstackError for what no registry, or several, have."""
    if "/" in name:
        registry, package = name.split("/", 1)
        project.registry(registry)
        if not package or "/" in package:
            own = package.partition("/")[0]
            hint = f"Its package: {registry}/{own}" if own else "The packages of all registries: mlstack pkg list"
            raise MlstackError(f"A package is named REGISTRY/PACKAGE, got {name}.", hint)
        return f"{registry}/{package}"
    known = {*installed(project), *(package.qualified for package in _offered(project))}
    found = sorted(qualified for qualified in known if qualified.endswith(f"/{name}"))
    if len(found) == 1:
        return found[0]
    if found:
        raise MlstackError(f"Several packages are called {name}: {', '.join(found)}.", "Say which by its full name.")
    raise MlstackError(f"There is no package {name}.", did_you_mean(name, [one.split("/")[1] for one in known]))


def remove_package(project: Project, typed: str) -> PackageRemoved:
    """Removes a package from the app. Refused while a component uses it."""
    qualified = resolve_package(project, typed)
    if qualified not in installed(project):
        raise MlstackError(f"The package {qualified} is not installed in this app.")
    for name in project.component_names:
        component = project.component(name)
        if component.file and component.prototype.startswith(f"{qualified}/"):
            place = component.file.place("prototype")
            raise MlstackError(
                f"The component {name} uses {qualified} ({place}).", f"First: mlstack component rm {name}"
            )
    uninstall(project, qualified)
    return PackageRemoved(qualified)


def list_packages(project: Project, only_installed: bool = False) -> list[PackageInfo]:
    """The packages of all registries that can be read, and the installed ones."""
    offered = {package.qualified: package for package in _offered(project)}
    have = {name: vendored_package(project, name) for name in installed(project)}
    known = have if only_installed else offered | {name: offered.get(name, found) for name, found in have.items()}
    return [_info(package, have) for _, package in sorted(known.items())]


def describe_package(project: Project, typed: str) -> PackageInfo:
    """One package with its prototypes: as installed, else as its registry has it."""
    qualified = resolve_package(project, typed)
    have = {name: vendored_package(project, name) for name in installed(project) if name == qualified}
    registry, name = qualified.split("/")
    package = have.get(qualified) or project.registry(registry).package(name)
    return _info(package, have)


def _info(package: Package, have: dict[str, Package]) -> PackageInfo:
    mine = have.get(package.qualified)
    prototypes = tuple((name, read_prototype(package, name).summary) for name in package.prototypes)
    version = mine.version if mine else ""
    return PackageInfo(package.registry, package.name, package.version, package.description, version, prototypes)


def _offered(project: Project) -> list[Package]:
    return [package for registry in project.registries.values() if usable(registry) for package in registry.packages()]
