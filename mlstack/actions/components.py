"""component list, rm."""

from __future__ import annotations

import copy
from dataclasses import dataclass

from mlstack.app.project import Environment, Project
from mlstack.app.prototypes import prototype_of
from mlstack.app.yamlfile import YamlFile
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class ComponentInfo:
    """A component. `prototype` is REGISTRY/PACKAGE/PROTOTYPE, "" for plain manifests; `file` where it stands."""

    name: str
    prototype: str
    version: str
    lifecycle: str
    file: str


@dataclass(frozen=True)
class ComponentRemoved:
    """A component that the app no longer has. `edited`: the other files that spoke of it."""

    name: str
    file: str
    edited: tuple[str, ...]

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        also = f" and its entries in {', '.join(self.edited)}" if self.edited else ""
        return (
            f"Removed {self.file}{also}. Clusters are untouched: the next apply of an environment prunes its objects.",
        )


def list_components(project: Project) -> list[ComponentInfo]:
    """All components, sorted."""
    return [_info(project, name) for name in project.component_names]


def _info(project: Project, name: str) -> ComponentInfo:
    component = project.component(name)
    if component.file is None:
        return ComponentInfo(name, "", "", "service", f"components/{name}/")
    prototype = prototype_of(project, component)
    return ComponentInfo(name, component.prototype, prototype.version, prototype.lifecycle, component.file.file)


def remove_component(project: Project, name: str) -> ComponentRemoved:
    """Removes a component's file and what environments say of it. Plain manifests in a folder are the user's own
    files and are left to the user.
    """
    component = project.component(name)
    if component.folder:
        raise MlstackError(f"components/{name}/ holds manifests of your own.", f"Remove it: rm -r components/{name}")
    assert component.file is not None
    edits = [edit for edit in _mentions(project, name) if edit.changed]
    for edit in edits:
        edit.save()
    component.file.path.unlink()
    return ComponentRemoved(name, component.file.file, tuple(edit.file for edit in edits))


def _mentions(project: Project, name: str) -> list[YamlFile]:
    """The environments' files and the local one without this component."""
    environments = [project.environment(env) for env in project.environment_names]
    found = [_without(env, name) for env in environments]
    if project.local:
        local = copy.copy(project.local)
        for env in local.mapping("environments"):
            local.unset(["environments", env, "component_params", name])
        found.append(local)
    return found


def _without(env: Environment, name: str) -> YamlFile:
    file = copy.copy(env.file)
    for key in ("component_params", "patches"):
        file.unset([key, name])
    listed = env.components or []
    if name in listed:
        file.unset(["components", listed.index(name)])
    return file
