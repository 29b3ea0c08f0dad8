"""Writing YAML by PyYAML's C emitter, so that readers of YAML 1.1 and 1.2 take it for the same values."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

# Texts that YAML 1.1 and 1.2 both read as text without quotes: they begin with a letter and are none of these words.
_PLAIN = re.compile(r"[A-Za-z/]([A-Za-z0-9_./:@-]*[A-Za-z0-9_./@-])?", re.ASCII)
_WORDS = frozenset({"y", "yes", "n", "no", "on", "off", "true", "false", "null"})
_OPTIONS: dict[str, Any] = {"sort_keys": False, "allow_unicode": True, "width": 10**6}


class _Dumper(yaml.CSafeDumper):
    """Several lines as a block, words as they are, all other text in quotes; nothing is shared by anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    style = None if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, "|" if "\n" in value else style)


_Dumper.add_representer(str, _represent_text)


def dump(value: Any) -> str:
    """A value as YAML text over several lines."""
    found: str = yaml.dump(value, Dumper=_Dumper, **_OPTIONS)
    return found


def dump_documents(values: Iterable[Any]) -> str:
    """Values as one text, a document each, in one pass: an emitter for each would take most of the time."""
    found: str = yaml.dump_all(values, Dumper=_Dumper, explicit_start=True, **_OPTIONS)
    return found
