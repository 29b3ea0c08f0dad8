"""Values as YAML that reads back as the same value, whatever they hold (decision 1)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from mlstack.errors import MlstackError

# What PyYAML does not take raw, or folds: controls, DEL to U+009F, the line and paragraph separators,
# the byte order mark and the noncharacters, two of which (U+FDD0, U+FDD1) mark values in a render.
_ESCAPED = re.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufdd0-\ufdef\ufffe\uffff]')
_SURROGATE = re.compile("[\ud800-\udfff]")
# YAML reads a key without "?" only where it ends within 1024 characters of its start.
_LONGEST_PLAIN_KEY = 1000


def emit(value: Any) -> str:
    """`value` (what JSON can hold) as one line of YAML in flow style.

    Strings are always in double quotes, floats always have a dot.
    Raises MlstackError for what YAML cannot hold.
    """
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(_entry(key, item) for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(emit(item) for item in value) + "]"
    raise MlstackError(f"A template gives {type(value).__name__}, which is no text, number, list or map.")


def _string(value: str) -> str:
    if _SURROGATE.search(value):
        raise MlstackError(f"{value!a} holds half of a surrogate pair, which no YAML can hold.")
    return '"' + _ESCAPED.sub(_escape, value) + '"'


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    if character in '"\\':
        return "\\" + character
    return {"\n": "\\n", "\t": "\\t"}.get(character) or f"\\u{ord(character):04x}"


def _float(value: float) -> str:
    if not math.isfinite(value):
        raise MlstackError(f"{value} is no number that Kubernetes takes.")
    text = repr(float(value))
    return text if "." in text else text.replace("e", ".0e")


def _entry(key: Any, item: Any) -> str:
    if not isinstance(key, str):
        raise MlstackError(f"The key {key!r} of a map is no text: quote it.")
    name = _string(key)
    return f"{name}: {emit(item)}" if len(name) <= _LONGEST_PLAIN_KEY else f"? {name} : {emit(item)}"
