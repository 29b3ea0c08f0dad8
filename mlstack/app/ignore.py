"""Patterns of files to leave out, one a line, as git writes them (without `!`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from mlstack.compose.places import Place, PlacedError

IGNORE = ".mlstackignore"

_PARTS = re.compile(r"\*\*/|/\*\*$|\*|\?|\[!?[^\]]+\]|.", re.DOTALL)
_WILD = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}

Ignored = Callable[[str, bool], bool]


def read_patterns(text: str, file: str) -> Ignored:
    """Whether (path below the folder, is a folder) is left out by the patterns of `text`.

    A pattern with a slash inside counts from the folder, one without holds at any depth, one with a slash at its end
    for folders alone. Raises PlacedError for `!`, which is not supported.
    """
    found: list[tuple[re.Pattern[str], bool]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        pattern = line.strip()
        if pattern.startswith("!"):
            raise PlacedError(Place(file, number), "! (taking files back in) is not supported")
        if pattern and not pattern.startswith("#"):
            found.append(_compiled(pattern))
    return lambda path, folder: _matches(found, path, folder)


def _matches(patterns: Sequence[tuple[re.Pattern[str], bool]], path: str, folder: bool) -> bool:
    return any(regex.fullmatch(path) for regex, folders_only in patterns if folder or not folders_only)


def _compiled(pattern: str) -> tuple[re.Pattern[str], bool]:
    folders_only, body = pattern.endswith("/"), pattern.rstrip("/")
    anchored = "/" in body
    written = "".join(_translated(part) for part in _PARTS.findall(body.removeprefix("/")))
    return re.compile(written if anchored else f"(?:.*/)?{written}"), folders_only


def _translated(part: str) -> str:
    if part.startswith("[") and len(part) > 1:
        negated = part[1] == "!"
        return f"[{'^' if negated else ''}{re.escape(part[2 if negated else 1 : -1]).replace(chr(92) + '-', '-')}]"
    return _WILD.get(part) or re.escape(part)
