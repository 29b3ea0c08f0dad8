"""What a parameter's value is and where it comes from, also while other values of the app are wrong or missing."""

from __future__ import annotations

from dataclasses import replace

from mlstack.app.assemble import assemble_component
from mlstack.app.project import Environment, Project
from mlstack.app.vendor import vendored_platform
from mlstack.compose.layers import Setting, resolve, resolve_one
from mlstack.compose.parameters import Parameter
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


def broken_relations(component: Component, name: str, namespace: str) -> dict[str, str]:
    """What is wrong between the parameter `name` and others, by the rule that does not hold."""
    prototype = component.prototype
    if prototype is None:
        return {}
    found = {}
    for relation in prototype.relations:
        if name in relation.names:
            values = {other: one_setting(component, other, namespace).value for other in relation.names}
            if not relation.holds(values):
                found[relation.message] = relation.told(values)
    return found


def one_setting(component: Component, name: str, namespace: str, check: bool = False) -> Setting:
    """One parameter's setting whatever the others are; its own value is checked only on demand."""
    prototype = component.prototype
    if prototype is None:
        raise MlstackError(f"{component.name} is plain manifests and has no parameters.")
    declared = prototype.parameter(name)
    parameter = replace(declared, required=False) if check else Parameter(declared.name, ANYTHING, declared.default)
    return resolve_one(prototype, parameter, component.layers, component.name, namespace)
