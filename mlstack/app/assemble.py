"""An app's files, for one environment, as what `compose` renders: the target, and components with their layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlstack.app.code import with_trees
from mlstack.app.manifestfiles import read_manifests, unread
from mlstack.app.project import ComponentFile, Environment, Project, unknown
from mlstack.app.prototypes import prototype_of
from mlstack.app.sizes import refuse_two_sizes
from mlstack.app.vendor import PLATFORMS, VENDOR, vendored_platform
from mlstack.app.wide import check_wide
from mlstack.app.yamlfile import YamlFile
from mlstack.compose.layers import Layer
from mlstack.compose.patches import Patch, parse_patch
from mlstack.compose.places import Place
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Component, Target
from mlstack.errors import MlstackError

SET = Place("--set")


def assemble(
    project: Project, environment: str, sets: Sequence[str] = (), components: Sequence[str] | None = None
) -> tuple[Target, list[Component]]:
    """The target and the components, sorted, that `environment` takes; `components` narrows them (`-c`).

    `sets` are COMPONENT.PARAM=VALUE. Raises MlstackError with the place for whatever an app's files have wrong.
    """
    target, found, broken = assemble_each(project, environment, sets, components)
    for error in broken.values():
        raise error
    return target, found


def assemble_each(
    project: Project, environment: str, sets: Sequence[str] = (), components: Sequence[str] | None = None
) -> tuple[Target, list[Component], dict[str, MlstackError]]:
    """As `assemble`, but what is wrong with one component's files is told beside the others, by component."""
    env = project.environment(environment)
    platform = vendored_platform(project, env.platform)
    target = Target(project.name, project.id, env.name, env.namespace, platform)
    names = chosen(project, env, components)
    given = read_sets(project, sets)
    check_wide(project, env)
    found: list[Component] = []
    broken: dict[str, MlstackError] = {}
    for name in names:
        try:
            one = assemble_component(project, name, env, platform, given.get(name))
            refuse_two_sizes(one)
            found.append(with_trees(one, project.root, env.namespace))
        except MlstackError as error:
            broken[name] = error
    return target, found, broken


def chosen(project: Project, env: Environment, components: Sequence[str] | None = None) -> list[str]:
    """The names of the environment's components, narrowed to `components`, sorted and each once."""
    listed = env.components
    for at, name in enumerate(listed or ()):
        if name not in project.component_names:
            error = unknown("component", name, project.component_names, "")
            raise MlstackError(f"{env.file.place('components', at)}: {error.message}", error.hint)
    allowed = set(project.component_names if listed is None else listed)
    for name in components or ():
        project.component(name)
        if name not in allowed:
            place = env.file.place("components")
            raise MlstackError(f"{env.name} does not take the component {name} (components: at {place}).")
    return sorted(allowed if components is None else set(components))


def assemble_component(
    project: Project,
    name: str,
    env: Environment | None,
    platform: Mapping[str, Any],
    sets: Layer | None = None,
) -> Component:
    """One component with its layers in `env`; without one, with those that all environments share."""
    file = project.component(name)
    if file.folder:
        plain, notes = read_manifests(file.folder, project.root), unread(file.folder, project.root)
        return Component(name, None, plain=plain, patches=_patches(file, env), notes=notes)
    layers = [*shared_layers(project, file), *([] if env is None else environment_layers(env, name))]
    if env is not None:
        layers.insert(0, platform_layer(env.platform, platform))
    if sets is not None:
        layers.append(sets)
    return Component(name, prototype_of(project, file), tuple(layers), patches=_patches(file, env))


def platform_layer(name: str, platform: Mapping[str, Any]) -> Layer:
    """The values that a platform gives."""
    values = platform.get("params") or {}
    return Layer(
        f"platform {name}", values, dict.fromkeys(values, Place(f"{VENDOR}/{PLATFORMS}/{name}.yaml")), wide=True
    )


def shared_layers(project: Project, file: ComponentFile) -> list[Layer]:
    """What all environments have in common: the app-wide values, then the component's."""
    layers = [_layer(project.app, "params", wide=True)]
    return [*layers, _layer(file.file, "params")] if file.file else layers


def environment_layers(env: Environment, component: str) -> list[Layer]:
    """What an environment says: for all, for the component, then the same in the local file."""
    layers = [_layer(env.file, "params", wide=True), _layer(env.file, "component_params", component)]
    for keys, wide in ((("params",), True), (("component_params", component), False)):
        mine = ("environments", env.name, *keys)
        if env.local and env.local.has(*mine):
            layers.append(_layer(env.local, *mine, wide=wide))
    return layers


def says(project: Project, environment: str, parameter: str) -> bool:
    """Whether any file gives a value to a parameter of this name, for whatever component of the environment."""
    env = project.environment(environment)
    files = (project.component(name) for name in chosen(project, env))
    layers = (
        layer
        for file in files
        if not file.folder
        for layer in (*shared_layers(project, file), *environment_layers(env, file.name))
    )
    return any(parameter in layer.values for layer in layers)


def _layer(file: YamlFile, *keys: str, wide: bool = False) -> Layer:
    title = f"{file.file} params" if wide else file.file
    return Layer(title, file.mapping(*keys), file.places(*keys), wide)


def read_sets(project: Project, sets: Sequence[str]) -> dict[str, Layer]:
    """`--set COMPONENT.PARAM=VALUE`, each value read by its parameter's type, as one layer a component."""
    values: dict[str, dict[str, Any]] = {}
    for text in sets:
        path, equals, value = text.partition("=")
        component, dot, name = path.partition(".")
        if not equals or not dot or not name:
            raise MlstackError(f"--set {text}: this is not COMPONENT.PARAM=VALUE.")
        file = project.component(component)
        if file.file is None:
            raise MlstackError(f"--set {text}: {component} is plain manifests and has no parameters.")
        _set_one(prototype_of(project, file), name, value, values.setdefault(component, {}))
    return {name: Layer("--set", found, dict.fromkeys(found, SET)) for name, found in values.items()}


def _set_one(prototype: Prototype, name: str, text: str, values: dict[str, Any]) -> None:
    from mlstack.app.typed import deep_merge, read_param

    keys, value = read_param(prototype, name, text)
    for key in reversed(keys[1:]):
        value = {key: value}
    values[keys[0]] = deep_merge(values.get(keys[0]), value)


def _patches(component: ComponentFile, env: Environment | None) -> tuple[Patch, ...]:
    found = _patches_at(component.file, "patches") if component.file else []
    if env is not None:
        found += _patches_at(env.file, "patches", component.name)
    return tuple(found)


def _patches_at(file: YamlFile, *keys: str) -> list[Patch]:
    value = file.get(*keys) or []
    if not isinstance(value, list):
        raise MlstackError(f"{file.place(*keys)}: patches must be a list.")
    return [parse_patch(item, file.place(*keys, at)) for at, item in enumerate(value)]
