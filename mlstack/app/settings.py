"""What a parameter's value is and where it comes from, also while other values of the app are wrong or missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mlstack.app.assemble import assemble_component
from mlstack.app.project import Environment, Project
from mlstack.app.vendor import vendored_platform
from mlstack.compose.layers import Layer, Setting, resolve
from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import Prototype
from mlstack.compose.render import Component
from mlstack.errors import MlstackError

ANYTHING = {"type": ["string", "number", "boolean", "array", "object", "null"]}


def component_in(project: Project, name: str, env: Environment | None) -> Component:
    """A component with its layers in `env`, or with those that all environments share."""
    platform = vendored_platform(project, env.platform) if env else {}
    return assemble_component(project, name, env, platform)


def all_settings(project: Project, name: str, env: Environment | None) -> dict[str, Setting]:
    """Every parameter's setting; a required one without a value is None. Wrong values raise MlstackError."""
    component = component_in(project, name, env)
    if component.prototype is None:
        return {}
    parameters = {key: replace(one, required=False) for key, one in component.prototype.parameters.items()}
    relaxed = replace(component.prototype, parameters=parameters)
    return resolve(relaxed, component.layers, name, env.namespace if env else "the environment's")


def one_setting(component: Component, name: str, namespace: str, check: bool = False) -> Setting:
    """One parameter's setting whatever the others are; its own value is checked only on demand."""
    prototype = component.prototype
    if prototype is None:
        raise MlstackError(f"{component.name} is plain manifests and has no parameters.")
    declared = prototype.parameter(name)
    parameter = replace(declared, required=False) if check else Parameter(declared.name, ANYTHING, declared.default)
    return _resolve_one(prototype, parameter, component.layers, component.name, namespace)


def _resolve_one(
    prototype: Prototype, parameter: Parameter, layers: Sequence[Layer], component: str, namespace: str
) -> Setting:
    aliases = {old: new for old, new in prototype.aliases.items() if new == parameter.name}
    alone = replace(prototype, parameters={parameter.name: parameter}, aliases=aliases)
    wide = [replace(layer, wide=True) for layer in layers]  # the names of others are not our business here
    return resolve(alone, wide, component, namespace)[parameter.name]
