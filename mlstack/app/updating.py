"""A newer package or platform beside the vendored one: the app as it would be with it, and taking it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mlstack.app.lock import digest, tree_digest
from mlstack.app.packages import Package, package_files, read_package, read_prototype
from mlstack.app.platforms import platform_names, platform_path, read_platform
from mlstack.app.project import Project
from mlstack.app.vendor import PLATFORMS, VENDOR, install, installed, package_folder, vendor_platform, vendored_package
from mlstack.app.yamlfile import YamlFile
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class Newer:
    """What a registry (or this mlstack, for a platform: `new` is None) has of something vendored.

    `changed` is False where the app has the same bytes; `old` is the vendored package.
    """

    name: str
    before: str
    after: str
    changed: bool
    old: Package | None = None
    new: Package | None = None


def newer_package(project: Project, qualified: str, force: bool = False) -> Newer:
    """What the registry has of the vendored package REGISTRY/PACKAGE.

    Raises MlstackError for one that is not installed, and unless `force` for one that was changed by hand.
    """
    if qualified not in installed(project):
        raise MlstackError(
            f"The package {qualified} is not installed in this app.", f"Install it: mlstack pkg install {qualified}"
        )
    registry, name = qualified.split("/")
    new = project.registry(registry).package(name)
    wanted = digest(package_files(new))
    folder = package_folder(project.root, qualified)
    if not folder.is_dir():
        vendored_package(project, qualified)  # raises, and says what to do
    there = tree_digest(folder)
    _refuse_changed(project, "packages", qualified, f"{VENDOR}/{qualified}", there, wanted, force)
    old = project.vendored[qualified] = read_package(folder, registry, f"{VENDOR}/{qualified}")
    changed = there != wanted or project.lock.string("packages", qualified, "digest") != wanted
    return Newer(qualified, old.version, new.version, changed, old, new)


def newer_platform(project: Project, name: str, force: bool = False) -> Newer:
    """What this mlstack has of the vendored platform `name`. Raises MlstackError as `newer_package` does."""
    file = f"{VENDOR}/{PLATFORMS}/{name}.yaml"
    path, source = project.root / file, platform_path(name)
    wanted = digest([(path.name, source.read_bytes())])
    there = tree_digest(path)
    _refuse_changed(project, PLATFORMS, name, file, there, wanted, force)
    before, after = (str(read_platform(one, file).get("version", "0")) for one in (path, source))
    project.platforms[name] = read_platform(path, file)
    return Newer(name, before, after, there != wanted)


def vendored_platforms(project: Project) -> list[str]:
    """The platforms that the app carries and this mlstack knows."""
    found = (path.stem for path in (project.root / VENDOR / PLATFORMS).glob("*.yaml"))
    return sorted(set(found) & set(platform_names()))


def _refuse_changed(project: Project, group: str, name: str, file: str, there: str, wanted: str, force: bool) -> None:
    # What is already as it shall be comes from an update that was interrupted before it wrote the lock.
    if force or there in (wanted, project.lock.string(group, name, "digest")):
        return
    raise MlstackError(
        f"{file} was changed since it was vendored: its digest is not the one in {project.lock.file}.",
        "An update would lose that: keep a copy, or put the change into a patch; --force replaces it.",
    )


def with_newer(project: Project, found: Sequence[Newer]) -> Project:
    """The app as it would be: nothing is written."""
    after = replace(project)
    for file in edited_components(project, found):
        after = after.with_file(file)
    for one in found:
        if one.new:
            after.vendored[one.name] = one.new
        else:
            after.platforms[one.name] = read_platform(platform_path(one.name), f"{VENDOR}/{PLATFORMS}/{one.name}.yaml")
    return after


def edited_components(project: Project, found: Sequence[Newer]) -> list[YamlFile]:
    """The components' files whose `version` another one takes the place of, edited and not yet saved."""
    packages = {one.name: one.new for one in found if one.new}
    edited = []
    for name in project.component_names:
        component = project.component(name)
        qualified, _, prototype = component.prototype.rpartition("/")
        package = packages.get(qualified)
        if component.file is None or package is None or prototype not in package.prototypes:
            continue
        version = read_prototype(package, prototype).version
        if component.file.has("version") and str(component.file.get("version")) != version:
            file = copy.copy(component.file)
            file.set(["version"], version)
            edited.append(file)
    return edited


def take(project: Project, found: Sequence[Newer]) -> None:
    """Vendors and locks what is newer, then writes the versions into the components: again after an interruption
    it goes on where it was."""
    files = edited_components(project, found)
    for one in found:
        fresh = Project.load(project.root)
        if one.new:
            install(fresh, one.new)
        elif one.changed:
            vendor_platform(fresh, one.name, force=True)
    for file in files:
        file.save()
