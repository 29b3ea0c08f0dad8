"""Checking a value against a parameter's JSON Schema, our own formats included."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

# k8s.io/apimachinery/pkg/api/resource: <signedNumber><suffix>.
QUANTITY_PATTERN = r"^[+-]?([0-9]+|[0-9]+\.[0-9]*|\.[0-9]+)([numkMGTPE]|[KMGTPE]i|[eE][+-]?[0-9]+)?$"
_QUANTITY = re.compile(QUANTITY_PATTERN.strip("^$"))
# github.com/distribution/reference: [domain[:port]/]path[:tag][@digest].
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*"
    r"(?::\w[\w.-]{0,127})?(?:@[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)
DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", re.ASCII)

_SECRET: dict[str, Any] = {
    "anyOf": [
        {"const": "generate"},
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$", "maxLength": 253},
                "key": {"type": "string", "pattern": "^[-._a-zA-Z0-9]+$", "maxLength": 253},
            },
            "required": ["name", "key"],
            "additionalProperties": False,
        },
    ]
}

DESCRIBED = {
    "quantity": "a quantity such as 500m, 2 or 4Gi",
    "image": "an image reference such as example.com/team/image:tag",
    "secret": "generate, or the NAME/KEY of a Secret in the cluster",
    "name": "a name of at most 63 lower-case letters, digits and -",
    "path": "a folder or file of the app, as ./train",
    "requirement": "a pinned requirement of pip, as einops==0.8.1",
}

# packaging.python.org/specifications/dependency-specifiers: a name, extras and an exact version, or an address.
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?(?:\[[A-Za-z0-9._, -]+\])? *"
    r"(?:===? *[A-Za-z0-9.+!_-]+|@ *[a-z+]+://\S+) *(?:;.*)?",
    re.ASCII,
)

# Keywords that say all there is to say about a scalar; `Parameter.allowed` has them in words.
PLAIN_KEYWORDS = frozenset(
    {"type", "enum", "format", "pattern", "minLength", "maxLength", "minItems", "maxItems"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
)

FORMATS: Mapping[str, Callable[[str], bool]] = {
    "quantity": lambda text: _QUANTITY.fullmatch(text) is not None,
    "image": lambda text: _IMAGE.fullmatch(text) is not None,
    "name": lambda text: DNS_LABEL.fullmatch(text) is not None,
    "path": lambda text: not text.startswith(("/", "~")) and not {"..", "\0"} & {*text.split("/"), *text},
    "requirement": lambda text: _REQUIREMENT.fullmatch(text) is not None,
}


_PLAIN_TYPES = {"integer": int, "boolean": bool, "string": str}


def _plainly_right(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether `value` needs no library to be right: the commonest schemas say a type and a least value."""
    if not schema.keys() <= {"type", "minimum"} or not isinstance(schema.get("type"), str):
        return False
    expected = _PLAIN_TYPES.get(schema["type"])
    return type(value) is expected and ("minimum" not in schema or (expected is int and value >= schema["minimum"]))


def problem(schema: Mapping[str, Any], value: Any) -> tuple[list[str], str] | None:
    """(path inside the value, what is wrong there) of the first problem, or None where `value` is right."""
    if _plainly_right(schema, value):
        return None
    error = next(iter(_validator(json.dumps(schema)).iter_errors(value)), None)
    return None if error is None else ([str(step) for step in error.instance_path], error.message)


@lru_cache(maxsize=1024)
def _validator(schema: str) -> Any:
    """What checks values against a schema, given as JSON: to make it takes a hundred times as long as to use it."""
    import jsonschema_rs  # 25 ms: an eighth of a short command

    return jsonschema_rs.Draft202012Validator(
        _checked(json.loads(schema)), formats=dict(FORMATS), validate_formats=True, retriever=refuse_reference
    )


def refuse_reference(address: str) -> Any:
    """Keeps schemas of packages from reading files and the network by `$ref`."""
    raise ValueError(f"{address} is not part of it")


def _checked(schema: Mapping[str, Any]) -> dict[str, Any]:
    if schema.get("format") == "secret":
        nullable = "null" in schema.get("type", "")
        return {"anyOf": [{"type": "null"}, _SECRET]} if nullable else _SECRET
    return dict(schema) if "type" in schema or "enum" in schema else {"type": "string", **schema}
