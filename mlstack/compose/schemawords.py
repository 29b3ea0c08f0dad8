"""What a JSON Schema accepts, in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

INT32 = 2**31 - 1

# Quotes tell text from numbers, and show what is hard to see.
_WORD = re.compile(r"(?![-+.]*[0-9.]+(?:[eE][-+]?[0-9]+)?\Z)[A-Za-z0-9_+./:-]{1,80}", re.ASCII)

_WORDS = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}

DESCRIBED = {
    "annotation-key": "the key of an annotation such as example.com/team",
    "bytes": "a quantity of bytes such as 512Mi or 8Gi",
    "command-line": "a list of words, or a command line such as 'python train.py --epochs 3'",
    "cpu": "a number of CPU cores such as 500m or 2",
    "dns1035-label": "a name of at most {most} lower-case letters, digits and -, which begins with a letter",
    "dns1123-subdomain": "the name of an object such as team-data",
    "env-name": "the name of an environment variable such as EPOCHS",
    "extended-resource": "the name of a resource with its domain such as nvidia.com/gpu",
    "host-port": "an address such as etcd:2379",
    "hub-bytes": "a number of bytes in JupyterHub's units such as 512M or 2G",
    "image": "an image reference such as example.com/team/image:tag",
    "label-key": "the key of a label such as team or example.com/team",
    "label-value": "the value of a label such as vision: at most 63 letters, digits, -, _ and .",
    "location": "a location such as gs://BUCKET/PATH, s3://BUCKET/PATH, pvc://CLAIM/PATH or /PATH",
    "model": "a name on Hugging Face's hub such as Qwen/Qwen3-0.6B, or a location such as pvc://CLAIM/PATH",
    "mount-path": "an absolute path in the container such as /home/jovyan",
    "name": "a name of at most {most} lower-case letters, digits and -",
    "output-location": "a location such as gs://BUCKET/PATH, pvc://CLAIM/PATH or a path",
    "path": "a folder or file of the app, as ./train",
    "quantity": "a quantity such as 500m, 2 or 4Gi",
    "requirement": "a pinned requirement of pip, as einops==0.8.1",
    "secret": "generate, or the NAME/KEY of a Secret in the cluster",
    "secret-key": "the key of an entry in a Secret such as key.json",
    "secret-reference": "the NAME/KEY of a Secret in the cluster",
    "secret-variable": "the NAME/KEY of a Secret in the cluster",
    "storage": "a size such as 10Gi",
    "toleration": "a toleration such as {{key: team, operator: Exists}}",
}

_LIMITS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "in steps of {}",
    "minLength": "of at least {} characters",
    "maxLength": "of at most {} characters",
    "minItems": "of at least {} items",
    "maxItems": "of at most {} items",
}


def shown(value: Any) -> str:
    """A value as an error shows it: a word as it is, all else as JSON, cut where it is long."""
    if isinstance(value, str) and _WORD.fullmatch(value) and value not in ("true", "false", "null"):
        return value
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def described(schema: Mapping[str, Any]) -> str:
    """What values a schema accepts: `an integer >= 0`, `a quantity of bytes such as 512Mi or 8Gi`."""
    if "title" in schema and schema.get("format") != "secret":
        return str(schema["title"])
    if "enum" in schema:
        return "one of " + ", ".join(shown(value).strip('"') or '""' for value in schema["enum"])
    if words := DESCRIBED.get(schema.get("format", "")):
        limits = "" if "{most}" in words else _limits(schema)
        return " ".join(part for part in (words.format(most=schema.get("maxLength", 63)), limits) if part)
    if schema.get("anyOf"):
        return ", or ".join(_alternative(one) for one in reversed(schema["anyOf"]))
    return " ".join(part for part in (_types(schema), _limits(schema)) if part)


def _alternative(schema: Mapping[str, Any]) -> str:
    return "empty" if schema.get("maxLength") == 0 else described(schema)


def _types(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type", "string")
    names = [declared] if isinstance(declared, str) else list(declared)
    words = " or ".join(_WORDS.get(name, name) for name in names if name != "null")
    if "pattern" in schema:
        words += " in the form that its description names"
    items = schema.get("items")
    each = f", each {described(items)}" if "array" in names and isinstance(items, Mapping) and items else ""
    return words + each + (", none twice" if schema.get("uniqueItems") else "")


def _limits(schema: Mapping[str, Any]) -> str:
    # The largest number that a field of the API holds is worth a word only where a value is beyond it.
    told = {name: value for name, value in schema.items() if value != INT32}
    return " and ".join(words.format(told[name]) for name, words in _LIMITS.items() if name in told)
