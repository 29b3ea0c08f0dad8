"""Go's regular expressions (RE2), in which CRDs write their patterns, for a library that has nearly the same syntax.

What the two read differently is not translated: such a pattern is not checked here, and the API server checks it.
"""

from __future__ import annotations

import re
from functools import lru_cache

# github.com/google/re2/wiki/Syntax, "ASCII character classes".
_CLASSES = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": r"\x00-\x7F",
    "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\t\n\v\f\r ",
    "upper": "A-Z",
    "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}
_NAMED = re.compile(r"\[:(\w+):\]")
# An escape that only one of them has, a set operation, a bracket within brackets.
_STRANGE = re.compile(r"\\[QECaAzZbB]|\(\?[^:PimsU]|&&|--|~~|\[:\^")
_IN_CLASS = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|.", re.DOTALL)


@lru_cache(maxsize=1024)
def portable(pattern: str) -> str | None:
    """The pattern with RE2's named classes written out, None where it cannot be checked here."""
    written = _NAMED.sub(lambda match: _CLASSES.get(match[1], match[0]), pattern)
    if _STRANGE.search(written) or any(_has_bracket(part) for part in _IN_CLASS.findall(written)):
        return None
    return written if _compiles(written) else None


def _has_bracket(part: str) -> bool:
    """Whether a bracket expression has another bracket in it: one library nests them, the other does not."""
    return len(part) > 1 and part.startswith("[") and "[" in re.sub(r"\\.", "", part[1:])


def _compiles(pattern: str) -> bool:
    import jsonschema_rs  # 25 ms: only where a schema has patterns

    try:
        jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=jsonschema_rs.RegexOptions())
    except (ValueError, jsonschema_rs.ValidationError):
        return False
    return True
