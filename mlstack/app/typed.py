"""Text that a person gives for a parameter, as a value of the declared type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlstack.app.names import plain_name
from mlstack.compose.parameters import Parameter
from mlstack.compose.prototypes import Prototype
from mlstack.errors import MlstackError


def read_param(prototype: Prototype, name: str, text: str) -> tuple[list[str], Any]:
    """([parameter, keys inside it...], value) of `name` = `text`; `labels.team` is a key of the map `labels`.

    The parameter has its present name. Raises MlstackError for an unknown one or a wrong value.
    """
    head, *inside = split_name(prototype, name)
    parameter = prototype.parameter(head)
    if not inside:
        return [parameter.name], parameter.read(text)
    schema: Mapping[str, Any] = parameter.schema
    for key in inside:
        schema = schema.get("properties", {}).get(key) or _free_form(schema)
    read = Parameter(f"{parameter.name}.{'.'.join(inside)}", schema, help=parameter.help).read(text)
    if names := parameter.schema.get("propertyNames"):
        Parameter(parameter.name, {"type": "object", "propertyNames": names}).check({inside[0]: read})
    return [parameter.name, *inside], read


def split_name(prototype: Prototype, name: str) -> list[str]:
    """`name` as path: the parameter, then declared properties; in a free-form map the whole rest is one key, since
    labels have dots.
    """
    head, dot, rest = plain_name(name).partition(".")
    parameter = prototype.parameter(head)
    if not dot:
        return [parameter.name]
    if parameter.type != "object" or not rest:
        raise MlstackError(f"{prototype.name}'s {parameter.name} is {parameter.allowed}: it has no parts.")
    path = [parameter.name]
    schema: Mapping[str, Any] = parameter.schema
    while rest:
        first, _, after = rest.partition(".")
        if first not in schema.get("properties", {}):
            return [*path, rest]
        path, schema, rest = [*path, first], schema["properties"][first], after
    return path


def deep_merge(base: Any, over: Any) -> Any:
    """`over` laid on `base`: maps key by key, all else replaces."""
    if not isinstance(base, Mapping) or not isinstance(over, Mapping):
        return over
    return {**base, **{key: deep_merge(base.get(key), value) for key, value in over.items()}}


def _free_form(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    declared = schema.get("additionalProperties")
    return declared if isinstance(declared, Mapping) else {"type": "string"}
