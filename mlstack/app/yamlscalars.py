"""Single values in a user's file: read by YAML 1.2's core schema, written so that no YAML reader misreads them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from mlstack.compose.emit import emit

NULL = re.compile(r"(?:~|null|Null|NULL)?\Z")
BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
INT = re.compile(r"[-+]?[0-9]{1,400}\Z")
OCTAL = re.compile(r"0o[0-7]{1,400}\Z")
HEX = re.compile(r"0x[0-9a-fA-F]{1,400}\Z")
FLOAT = re.compile(r"[-+]?(?:\.[0-9]{1,400}|[0-9]{1,400}(?:\.[0-9]{0,400})?)(?:[eE][-+]?[0-9]{1,9})?\Z")
INFINITE = re.compile(r"(?P<sign>[-+]?)\.(?:inf|Inf|INF)\Z")
NAN = re.compile(r"\.(?:nan|NaN|NAN)\Z")

# A plain word: starts with a letter, a slash or an underscore, and holds nothing that ends a plain scalar in a
# flow collection. A colon is allowed before a letter, digit or slash (`gs://models`, `image:tag`).
WORD = re.compile(r"[A-Za-z/_](?:[A-Za-z0-9_./@%+=-]|:(?=[A-Za-z0-9/]))*(?: [A-Za-z0-9_./@%+-]+)*\Z")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(?:[-+][A-Za-z0-9.-]+)?\Z")
# What YAML 1.1 readers (PyYAML, Go's, Ruby's) take for a boolean or nothing.
TAKEN = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def read_scalar(text: str) -> Any:
    """The value of a plain scalar: None, bool, int, float or the text itself."""
    for pattern, read in READERS:
        if match := pattern.match(text):
            return read(match)
    return text


READERS = (
    (NULL, lambda match: None),
    (BOOL, lambda match: match[0].lower() == "true"),
    (INT, lambda match: int(match[0])),
    (OCTAL, lambda match: int(match[0][2:], 8)),
    (HEX, lambda match: int(match[0][2:], 16)),
    (FLOAT, lambda match: float(match[0])),
    (INFINITE, lambda match: float(match["sign"] + "inf")),
    (NAN, lambda match: math.nan),
)


def write_scalar(value: Any, quote: str = "") -> str:
    """`value` (None, bool, int, float, str) on one line. A string keeps the `quote` that stood there before;
    without one it is plain where every reader takes it for this string, else double-quoted.
    """
    return _string(value, quote) if isinstance(value, str) else emit(value)


def _string(text: str, quote: str) -> str:
    if quote == "'" and text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    if quote != '"' and _is_plain(text):
        return text
    return emit(text)


def _is_plain(text: str) -> bool:
    if VERSION.match(text):
        return True
    return bool(WORD.match(text)) and text.lower() not in TAKEN and isinstance(read_scalar(text), str)


def write_flow(value: Any, quote: str = "") -> str:
    """Any plain value on one line: `[1, 2]`, `{a: b}` or a scalar."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{write_scalar(k)}: {write_flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(write_flow(item) for item in value) + "]"
    return write_scalar(value, quote)


def write_block(value: Any, indent: int, step: int) -> list[str]:
    """The lines of a mapping or list in block style, each with its indentation and no line end."""
    pad = " " * indent
    if isinstance(value, Mapping):
        return [line for k, v in value.items() for line in write_entry(str(k), v, indent, step)]
    return [line for item in value for line in _item(item, pad, indent, step)]


def write_entry(key: str, value: Any, indent: int, step: int) -> list[str]:
    """The lines of `key: value`: what nests deeper stands below, short lists stay on the line."""
    head = f"{' ' * indent}{write_scalar(key)}:"
    if _nests(value):
        return [head, *write_block(value, indent + step, step)]
    return [f"{head} {write_flow(value)}"]


def _item(item: Any, pad: str, indent: int, step: int) -> list[str]:
    if isinstance(item, Mapping) and item:
        first, *rest = write_block(item, indent + 2, step)
        return [f"{pad}- {first.lstrip()}", *rest]
    return [f"{pad}- {write_flow(item)}"]


def _nests(value: Any) -> bool:
    if isinstance(value, Mapping):
        return bool(value)
    return isinstance(value, list | tuple) and any(isinstance(item, Mapping | list | tuple) for item in value)
