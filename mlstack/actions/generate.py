"""generate: a component from a prototype."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.app.names import check_label
from mlstack.app.packages import Package, read_prototype
from mlstack.app.project import COMPONENTS, Project
from mlstack.app.prototypes import find_prototype
from mlstack.app.typed import deep_merge, read_param
from mlstack.app.vendor import install, installed
from mlstack.app.yamlfile import YamlFile
from mlstack.compose.layers import Layer, check_relations, resolve
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError


@dataclass(frozen=True)
class Generated:
    """A new component. `installed` is the package that came with it ("" if the app had it), `said` its registry's
    kind; `notes` say what was accepted without effect.
    """

    component: str
    file: str
    prototype: str
    version: str
    installed: str
    installed_version: str
    said: str
    params: Mapping[str, Any] = field(hash=False)
    notes: tuple[str, ...] = ()

    @property
    def summary(self) -> tuple[str, ...]:
        """What happened, a line each."""
        short = self.prototype.rpartition("/")[2]
        package = f"Installed package {self.installed} {self.installed_version} ({self.said})."
        created = f"Created {self.file} from prototype {short}. Parameters: mlstack prototype describe {short}"
        return (*([package] if self.installed else []), *self.notes, created)


def generate(
    project: Project, typed: str, component: str | None = None, params: Mapping[str, str] | None = None
) -> Generated:
    """Makes `component` (default: the prototype's name) from the prototype that `typed` means.

    `params` maps names to text, read by the declared types; only what is given is stored. Installs the package.
    Raises MlstackError, nothing written, for an unknown prototype or parameter, a wrong or missing value, a taken name.
    """
    package, prototype = find(project, typed)
    name = check_label("a component", component or prototype.name)
    _check_free(project, name)
    values, notes = read_given(prototype, params or {})
    _check_required(prototype, values)
    _check_together(prototype, name, values)
    if values.get("name") == name:
        del values["name"]
    fresh = package.qualified not in installed(project) and install(project, package)
    file = _write(project, name, prototype, values)
    registry = project.registry(package.registry)
    came = (package.qualified, package.version, registry.said) if fresh else ("", "", "")
    return Generated(name, file.file, prototype.qualified, prototype.version, *came, values, notes)


def find(project: Project | None, typed: str) -> tuple[Package, Prototype]:
    """The prototype that `typed` means, and its package."""
    package, name = find_prototype(project, typed)
    return package, read_prototype(package, name)


def read_given(prototype: Prototype, params: Mapping[str, str]) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The values that texts mean, by today's names, and a note for each retired one."""
    values: dict[str, Any] = {}
    notes = []
    for written, text in params.items():
        if written in prototype.retired:
            notes.append(f"{written} has no effect any more: {prototype.retired[written]}.")
            continue
        keys, value = read_param(prototype, written, text)
        for key in reversed(keys[1:]):
            value = {key: value}
        values[keys[0]] = deep_merge(values.get(keys[0]), value)
    return values, tuple(notes)


def _check_free(project: Project, name: str) -> None:
    if name in project.component_names:
        component = project.component(name)
        where = component.file.file if component.file else f"{COMPONENTS}/{name}/"
        raise MlstackError(
            f"The component {name} is there already ({where}).", "Choose another name, or: mlstack component rm " + name
        )


def _check_required(prototype: Prototype, values: Mapping[str, Any]) -> None:
    for parameter in prototype.parameters.values():
        if parameter.required and parameter.name not in values:
            about = f" {parameter.help}" if parameter.help else ""
            raise MlstackError(
                f"{prototype.name} needs {parameter.name} ({parameter.allowed}).{about}",
                f"Give it: --{parameter.name}=VALUE",
            )


def _check_together(prototype: Prototype, component: str, values: Mapping[str, Any]) -> None:
    """Raises MlstackError for values that do not fit each other, or a name that the objects cannot have."""
    own = prototype.parameter("name")
    if "name" not in values and own.problem(component):
        with_name = f"mlstack generate {prototype.name} NAME"
        raise MlstackError(f"{component}: name must be {own.allowed}, got {component}.", f"Choose another: {with_name}")
    layer = Layer("the command line", values)
    check_relations(prototype, resolve(prototype, [layer], component), component)


def _write(project: Project, name: str, prototype: Prototype, values: Mapping[str, Any]) -> YamlFile:
    data: dict[str, Any] = {"prototype": prototype.qualified, "version": prototype.version}
    if values:
        data["params"] = dict(values)
    comment = f"All parameters: mlstack prototype describe {prototype.name}"
    path = project.root / COMPONENTS / f"{name}.yaml"
    file = YamlFile.new(path, project.root, "Component", data, comment)
    file.save()
    return file
