"""The second way to edit a file, for the few that small edits cannot (several keys on a line, odd layouts): ruamel
reads it with its comments and writes it anew. Comments and order stay; spacing may change.
"""

from __future__ import annotations

from io import StringIO
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap


def rewrite(text: str, wanted: dict[str, Any]) -> str:
    """`text` with its values made equal to `wanted`."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 100_000
    tree = yaml.load(text)
    if tree is None:
        tree = CommentedMap()
    _follow(tree, wanted)
    out = StringIO()
    yaml.dump(tree, out)
    return out.getvalue()


def _follow(tree: Any, wanted: dict[str, Any]) -> None:
    for key in [key for key in tree if key not in wanted]:
        del tree[key]
    for key, value in wanted.items():
        if isinstance(value, dict) and isinstance(tree.get(key), dict):
            _follow(tree[key], value)
        elif key not in tree or tree[key] != value:
            tree[key] = value
