"""YAML in block style for the values that nearly all manifests hold, byte for byte as PyYAML's emitter writes them.

PyYAML makes a node of each value and asks a table of patterns about each; this is ten times as fast. What it does not
know (letters beyond ASCII, tabs, trailing spaces, exponents) raises HardError, and is PyYAML's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

# Texts that YAML 1.1 and 1.2 both read as text without quotes: they begin with a letter and are none of these words.
_PLAIN = re.compile(r"[A-Za-z/]([A-Za-z0-9_./:@-]*[A-Za-z0-9_./@-])?", re.ASCII)
_WORDS = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null"})
# Between double quotes as they are, and in a block of lines that neither begins nor ends with what YAML marks.
_QUOTED = re.compile(r"[ !#-\[\]-~]*")
_LINES = re.compile(r"(?! )[ -~]*[!-~](?:\n+[ -~]*[!-~])*\n?")
_LONGEST_KEY = 100
_LONGEST_TEXT = 100_000
_INDENT = "  "


class HardError(Exception):
    """A value that PyYAML had better write."""


def is_plain(text: str) -> bool:
    """Whether every reader takes a text without quotes for a text."""
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS


def write_block(value: Any) -> str:
    """A map or a list as lines of YAML. Raises HardError."""
    if not value or not isinstance(value, dict | list):
        raise HardError
    return f"{_inside(value, '')}\n"


def _inside(value: Any, pad: str) -> str:
    """A value after "- " or at the start of its lines; `pad` stands before its other lines."""
    if type(value) is dict and value:
        return f"\n{pad}".join(_entries(value, pad))
    if type(value) is list and value:
        return f"\n{pad}".join([f"- {_inside(item, pad + _INDENT)}" for item in value])
    return _scalar(value, pad)


def _entries(value: dict[Any, Any], pad: str) -> Iterable[str]:
    for key, item in value.items():
        if type(key) is not str or len(key) > _LONGEST_KEY:
            raise HardError
        if not item or type(item) not in (dict, list):
            yield f"{_line(key)}: {_scalar(item, pad + _INDENT)}"
        else:  # a list's dashes stand below the key, a map's keys are indented
            inner = pad if type(item) is list else pad + _INDENT
            yield f"{_line(key)}:\n{inner}{_inside(item, inner)}"


def _scalar(value: Any, pad: str) -> str:
    kind = type(value)
    if kind is str:
        return _lines(value, pad) if "\n" in value else _line(value)
    if value is None or kind is bool:
        return "null" if value is None else "true" if value else "false"
    if kind is int or (kind is float and "e" not in repr(value) and "n" not in repr(value)):  # 1e22, inf, nan
        return repr(value)
    if kind in (dict, list):
        return "{}" if kind is dict else "[]"
    raise HardError


@lru_cache(maxsize=4096)
def _line(text: str) -> str:
    if is_plain(text):
        return text
    if _QUOTED.fullmatch(text) and len(text) < _LONGEST_TEXT:
        return f'"{text}"'
    raise HardError


def _lines(text: str, pad: str) -> str:
    if not _LINES.fullmatch(text):
        raise HardError
    whole = text.endswith("\n")
    lines = (text[:-1] if whole else text).split("\n")
    body = "\n".join([f"{pad}{line}" if line else "" for line in lines])
    return f"|{'' if whole else '-'}\n{body}"
