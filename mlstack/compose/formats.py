"""Formats of values: Kubernetes' own names and numbers, and mlstack's; and checking a value against a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mlstack.compose import kubeformats as kube
from mlstack.compose import textformats as text
from mlstack.compose.schemawords import INT32, described, shown

QUANTITY_PATTERN = kube.QUANTITY_PATTERN
DNS_LABEL = kube.LABEL

FORMATS: Mapping[str, Callable[[str], bool]] = {
    "quantity": kube.is_quantity,
    "bytes": kube.is_bytes,
    "storage": kube.is_storage,
    "cpu": kube.is_cpu,
    "name": kube.is_label,
    "dns1035-label": kube.is_label_1035,
    "dns1123-subdomain": kube.is_subdomain,
    "label-value": kube.is_label_value,
    "label-key": kube.is_label_key,
    "annotation-key": kube.is_annotation_key,
    "env-name": kube.is_env_name,
    "secret-key": kube.is_secret_key,
    "secret-reference": kube.is_secret_reference,
    "extended-resource": kube.is_extended_resource,
    "mount-path": kube.is_mount_path,
    "hub-bytes": kube.is_hub_bytes,
    "image": text.is_image,
    "path": text.is_path,
    "requirement": text.is_requirement,
    "host-port": text.is_address,
    "location": lambda value: text.is_location(value, "gs", "s3", "pvc"),
    "output-location": lambda value: text.is_location(value, "gs", "s3", "pvc", relative=True),
    "model": text.is_model,
}

_REFERENCE: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "format": "dns1123-subdomain"},
        "key": {"type": "string", "format": "secret-key"},
    },
    "required": ["name", "key"],
    "additionalProperties": False,
}
_TOLERATION: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "key": {"type": "string", "anyOf": [{"maxLength": 0}, {"format": "label-key"}]},
        "operator": {"type": "string", "enum": ["", "Exists", "Equal"]},
        "value": {"type": "string", "anyOf": [{"maxLength": 0}, {"format": "label-value"}]},
        "effect": {"type": "string", "enum": ["", "NoSchedule", "PreferNoSchedule", "NoExecute"]},
        "tolerationSeconds": {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1},
    },
    "additionalProperties": False,
    "allOf": [
        {
            "if": {"properties": {"key": {"maxLength": 0}}},
            "then": {"properties": {"operator": {"const": "Exists"}}, "required": ["operator"]},
        },
        {
            "if": {"properties": {"operator": {"const": "Exists"}}, "required": ["operator"]},
            "then": {"properties": {"value": {"maxLength": 0}}},
        },
        {
            "if": {"required": ["tolerationSeconds"]},
            "then": {"properties": {"effect": {"const": "NoExecute"}}, "required": ["effect"]},
        },
    ],
}
# Formats of values that are not text alone: the schema that stands for each.
_STRUCTURED: Mapping[str, Mapping[str, Any]] = {
    "secret": {"anyOf": [{"const": "generate"}, _REFERENCE]},
    "secret-variable": {"anyOf": [{"type": "string", "format": "secret-reference"}, _REFERENCE]},
    "toleration": _TOLERATION,
}

# Keywords that describe a scalar completely; `Parameter.allowed` has them in words.
PLAIN_KEYWORDS = frozenset(
    {"type", "enum", "format", "pattern", "title", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "anyOf"}
)
_PLAIN_TYPES = {"integer": int, "boolean": bool, "string": str}


@dataclass(frozen=True)
class Wrong:
    """What is wrong in a value: `path` inside it, and the rest of a sentence on it ("must be text, got 3"); "" where
    the parameter's own words are all there is to say.
    """

    path: tuple[str, ...]
    words: str


def _plainly_right(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether `value` needs no library to be right: the commonest schemas say a type, and bounds or a format."""
    if not isinstance(schema.get("type"), str) or type(value) is not _PLAIN_TYPES.get(schema["type"]):
        return False
    rest = schema.keys() - {"type", "title"}
    if type(value) is int:
        bounded = rest <= {"minimum", "maximum"}
        return bounded and schema.get("minimum", value) <= value <= schema.get("maximum", value)
    if not rest or type(value) is bool:
        return not rest
    known = FORMATS.get(schema.get("format", ""))
    if known is None or not isinstance(value, str) or not rest <= {"format", "maxLength"}:
        return False
    return len(value) <= schema.get("maxLength", len(value)) and known(value)


def problem(schema: Mapping[str, Any], value: Any) -> Wrong | None:
    """The first problem of `value`, or None where it is right."""
    if _plainly_right(schema, value):
        return None
    error = next(iter(_validator(json.dumps(schema)).iter_errors(value)), None)
    return None if error is None else _wrong(error, schema)


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Any:
    """The validator of a schema, given as JSON: to make it takes a hundred times as long as to use it."""
    import jsonschema_rs  # 25 ms: an eighth of a short command

    declared = json.loads(schema)
    return jsonschema_rs.Draft202012Validator(
        expanded(declared if declared.keys() & {"type", "enum", "format"} else {"type": "string", **declared}),
        formats=dict(FORMATS),
        validate_formats=True,
        retriever=refuse_reference,
    )


def refuse_reference(address: str) -> Any:
    """Keep schemas of packages from reading files and the network by `$ref`."""
    raise ValueError(f"{address} is not part of it")


def expanded(schema: Any) -> Any:
    """`schema` with the formats of values that are not text alone replaced by their schemas."""
    if isinstance(schema, list):
        return [expanded(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    name = schema.get("format")
    if not isinstance(name, str):
        return {key: expanded(item) for key, item in schema.items()}
    if name not in _STRUCTURED:
        return schema if "type" in schema or "enum" in schema else {"type": "string", **schema}
    nullable = "null" in schema.get("type", "")
    return {"anyOf": [{"type": "null"}, _STRUCTURED[name]]} if nullable else _STRUCTURED[name]


def _wrong(error: Any, schema: Mapping[str, Any]) -> Wrong:
    """A validator's error in words: of the part of the value that is wrong, not of the keyword that failed."""
    path = tuple(str(step) for step in error.instance_path)
    part, kind = _part(schema, path), error.kind
    match type(kind).__name__:
        case "PropertyNames":
            words = f"must not have the key {shown(kind.error.instance)}: each must be "
            return Wrong(path, words + described(part.get("propertyNames", {})))
        case "AdditionalProperties":
            known = ", ".join(part.get("properties", {})) or "none"
            return Wrong(path, f"must not have the key {', '.join(sorted(kind.unexpected))}; known are {known}")
        case "Required":
            return Wrong(path, f"must have the key {kind.property}")
        case "Constant":
            return Wrong(path, f"must be {shown(kind.expected_value)} here, got {shown(error.instance)}")
        case "Maximum" if kind.limit == INT32:
            return Wrong(path, f"must be at most {INT32}, got {shown(error.instance)}")
        case "UniqueItems":
            return Wrong(path, f"must not have an item twice, got {shown(error.instance)}")
    return Wrong(path, f"must be {described(part)}, got {shown(error.instance)}" if path else "")


def _part(schema: Mapping[str, Any], path: tuple[str, ...]) -> Mapping[str, Any]:
    """The schema of the part of a value that `path` leads to."""
    schema = _STRUCTURED.get(schema.get("format", ""), schema)
    if not path:
        return schema
    schema = next((one for one in schema.get("anyOf", ()) if "properties" in one), schema)
    below = schema.get("properties", {}).get(path[0]) or schema.get("items") or schema.get("additionalProperties")
    return _part(below, path[1:]) if isinstance(below, Mapping) else {}
