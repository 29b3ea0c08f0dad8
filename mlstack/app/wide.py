"""Values that hold for every component that knows them: app-wide and environment-wide."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from mlstack.app.packages import read_prototype
from mlstack.app.project import Environment, Project
from mlstack.app.prototypes import available, prototype_of
from mlstack.app.yamlfile import YamlFile
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError, did_you_mean


def component_prototypes(project: Project) -> dict[str, Prototype]:
    """The prototypes of all components that have one."""
    files = [project.component(name) for name in project.component_names]
    return {file.name: prototype_of(project, file) for file in files if file.file}


def check_wide(project: Project, env: Environment | None = None) -> None:
    """Raises MlstackError with the place for a wide value that no prototype knows, and for values of a component
    that the app does not have.
    """
    _check_params(project, project.app, "params")
    if env is None:
        return
    _check_params(project, env.file, "params")
    _check_components(project, env.file, "component_params")
    _check_components(project, env.file, "patches")
    if env.local:
        _check_params(project, env.local, "environments", env.name, "params")
        _check_components(project, env.local, "environments", env.name, "component_params")


def _check_params(project: Project, file: YamlFile, *keys: str) -> None:
    names = set(file.mapping(*keys))
    if not names:
        return
    left = names - known_names(_readable(project))
    if not left:
        return
    # A value may wait for a component that is not generated yet: every prototype in reach counts.
    known = _offered(project)
    for name in sorted(left - known):
        raise MlstackError(
            f"{file.place(*keys, name)}: no prototype has a parameter {name}.", did_you_mean(name, known)
        )


def _readable(project: Project) -> Iterator[Prototype]:
    """The components' prototypes, without those of components whose own files are broken: they are told by name."""
    for name in project.component_names:
        with suppress(MlstackError):
            file = project.component(name)
            if file.file:
                yield prototype_of(project, file)


def _offered(project: Project) -> set[str]:
    """The names that any prototype in reach knows; gathered once, for that reads them all."""
    if "offered" not in project.known_names:
        found = (read_prototype(package, name) for package in available(project) for name in package.prototypes)
        project.known_names["offered"] = known_names(found)
    return project.known_names["offered"]


def known_names(prototypes: Iterable[Prototype]) -> set[str]:
    """All names under which these prototypes take values, former ones included."""
    return {name for one in prototypes for name in (*one.parameters, *one.aliases, *one.retired)}


def _check_components(project: Project, file: YamlFile, *keys: str) -> None:
    for name in file.mapping(*keys):
        if name not in project.component_names:
            hint = did_you_mean(name, project.component_names)
            raise MlstackError(f"{file.place(*keys, name)}: this app has no component {name}.", hint)
