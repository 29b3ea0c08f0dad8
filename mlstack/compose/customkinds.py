"""The schemas of custom kinds: a CRD's openAPIV3Schema as JSON Schema that refuses what the server would drop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.compose.re2 import portable

_LISTS_OF_SCHEMAS = ("allOf", "anyOf", "oneOf")
# Said by the server alone (CEL), filled in by it, or only documentation.
_DROPPED = (
    "$ref",
    "$schema",
    "$id",
    "$defs",
    "default",
    "format",
    "nullable",
    "description",
    "example",
    "externalDocs",
    "title",
)

Kind = tuple[str, str]


def custom_schemas(crds: Iterable[Manifest], metadata: Mapping[str, Any]) -> dict[Kind, dict[str, Any]]:
    """(apiVersion, kind) -> JSON Schema, for each version of each CRD; `metadata` is ObjectMeta's schema."""
    found: dict[Kind, dict[str, Any]] = {}
    for crd in crds:
        for version, schema in _schemas(crd):
            try:
                found[f"{crd['spec']['group']}/{version}", crd["spec"]["names"]["kind"]] = _root(schema, metadata)
            except (AttributeError, TypeError, ValueError):
                continue  # a list where a map must be: that is told of the definition itself, by its own schema
    return found


def _schemas(crd: Manifest) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(version, schema) of each version of a definition that has one."""
    for version in crd["spec"].get("versions") or ():
        schema = (version.get("schema") or {}).get("openAPIV3Schema")
        if schema is not None and version.get("name"):
            yield version["name"], schema


def unreadable_patterns(crd: Manifest) -> list[str]:
    """The regular expressions of a definition that cannot be checked here, each once."""
    patterns = (pattern for _, schema in _schemas(crd) for pattern in _patterns(schema))
    return [pattern for pattern in dict.fromkeys(patterns) if portable(pattern) is None]


def _patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for below in schema.values():
            yield from _patterns(below)
    elif isinstance(schema, list):
        for below in schema:
            yield from _patterns(below)


def _root(schema: Mapping[str, Any], metadata: Mapping[str, Any]) -> dict[str, Any]:
    found = json_schema({"type": "object", **schema})
    found["properties"] = {**found.get("properties", {}), **_head(metadata)}
    return found


def _head(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": metadata}


def json_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A structural schema as JSON Schema 2020-12 (kubernetes.io: "Specifying a structural schema", "Field pruning").

    Fields that are not listed are refused, unless the schema preserves them.
    """
    found = _validations(schema)
    if "items" in schema:
        found["items"] = json_schema(schema["items"])
    if "properties" in schema:
        found["properties"] = {name: json_schema(item) for name, item in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), Mapping):
        found["additionalProperties"] = json_schema(schema["additionalProperties"])
    elif _prunes(schema):
        found["additionalProperties"] = False
    if schema.get("x-kubernetes-embedded-resource"):
        found["properties"] = {**found.get("properties", {}), **_head({"type": "object"})}
    return found


def _prunes(schema: Mapping[str, Any]) -> bool:
    open_ = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    return schema.get("type") == "object" and not open_


def _validations(schema: Mapping[str, Any]) -> dict[str, Any]:
    """What a node says about its value alone, and what it says by allOf, anyOf, oneOf and not."""
    structure = {"properties", "items", "additionalProperties", *_DROPPED, *_LISTS_OF_SCHEMAS, "not"}
    found = {k: v for k, v in schema.items() if k not in structure and not k.startswith("x-")}
    if isinstance(found.get("pattern"), str) and (pattern := portable(found.pop("pattern"))) is not None:
        found["pattern"] = pattern
    for limit, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        # OpenAPI 3.0 has a boolean here, JSON Schema 2020-12 the number itself.
        if isinstance(found.get(exclusive), bool) and found.pop(exclusive) and limit in found:
            found[exclusive] = found.pop(limit)
    if schema.get("x-kubernetes-int-or-string"):
        found["type"] = ["integer", "string"]
    if schema.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    for name in _LISTS_OF_SCHEMAS:
        # In these the server only checks values: nothing in them declares a field, so nothing prunes.
        if name in schema and not schema.get("x-kubernetes-int-or-string"):
            found[name] = [_value_check(item) for item in schema[name]]
    if "not" in schema:
        found["not"] = _value_check(schema["not"])
    return found


def _value_check(schema: Mapping[str, Any]) -> dict[str, Any]:
    found = _validations(schema)
    if "properties" in schema:
        found["properties"] = {name: _value_check(item) for name, item in schema["properties"].items()}
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), Mapping):
            found[name] = _value_check(schema[name])
    return found
