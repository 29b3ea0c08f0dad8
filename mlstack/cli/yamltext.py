"""YAML for people and pipes."""

from __future__ import annotations

import re
from typing import Any

import yaml


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # the base is chosen at run time
    """The C dumper, with texts of several lines as blocks."""

    def ignore_aliases(self, data: Any) -> bool:
        """Never: kubectl reads anchors, people do not."""
        return True


# Plain to PyYAML, but a number or a truth value to other readers (kubectl's among them): 0E0, 1e3, 0o17, y.
_MISTAKABLE = re.compile(r"[-+.]?[0-9].*|[-+]?\.[a-z].*|[yYnN~=]|<<", re.DOTALL)


def _text(dumper: Any, text: str) -> yaml.ScalarNode:
    # The emitter falls back on quotes by itself where a block could not hold the text.
    style = "|" if "\n" in text else "'" if _MISTAKABLE.fullmatch(text) else None
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


_Dumper.add_representer(str, _text)


def to_yaml(value: Any) -> str:
    """One YAML document, keys in the given order, texts of several lines as blocks."""
    text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1_000_000)
    return text
