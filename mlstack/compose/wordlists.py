"""Lists that a person writes as one text: separated by commas, or a command line as a shell reads it.

Brackets that hold JSON or a list of extras stay whole, and so does what stands in quotes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

_PAIRS = {"{": "}", "[": "]", "(": ")"}
# Words that only a shell understands.
_OPERATORS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "<<", "2>", "2>&1"})


class NotSplitError(ValueError):
    """A text that is no list: what is wrong with it, in words."""


def comma_list(text: str) -> list[str]:
    """The parts of `text` between its commas; a part in quotes stands for what is inside them."""
    parts, start, at = [], 0, 0
    while at < len(text):
        if text[at] == ",":
            parts.append(_unquoted(text[start:at].strip()))
            start = at = at + 1
        else:
            at = _end_of_group(text, at, text[start:at].strip() == "")
    return [*parts, _unquoted(text[start:].strip())]


def command_line(text: str) -> list[str]:
    """The words of a command: as a shell splits them where there is space between them, else by commas.

    Raises NotSplitError for quotes that do not end, and for what only a shell can do.
    """
    if not _has_spaces(text):
        return comma_list(text)
    words = list(_words(text))
    operators = [word for word, plain in words if plain and (word in _OPERATORS or word.endswith(";"))]
    if operators:
        line = json.dumps(["sh", "-c", text], ensure_ascii=False)
        raise NotSplitError(f"{operators[0]} needs a shell: give the list {line}")
    return [word for word, _ in words]


def _has_spaces(text: str) -> bool:
    """Whether words are separated by spaces: by others than those that follow a comma."""
    at, before = 0, ","
    while at < len(text):
        if text[at].isspace():
            if before != "," and text[at:].lstrip()[:1] not in ("", ","):
                return True
            at += 1
        else:
            end = _end_of_group(text, at, before == "," or text[at - 1 : at].isspace())
            before, at = text[end - 1], end
    return False


def _end_of_group(text: str, at: int, begins: bool) -> int:
    """The index after the character at `at`, or after the group that it opens: quotes where a part `begins`."""
    if text[at] in "'\"" and begins:
        end = text.find(text[at], at + 1)
        return end + 1 if end > 0 else at + 1
    return _bracketed(text, at) or at + 1


def _bracketed(text: str, at: int) -> int:
    """The index after the bracket that closes the one at `at`; 0 where there is none to close."""
    if text[at] not in _PAIRS:
        return 0
    try:
        return json.JSONDecoder().raw_decode(text, at)[1]
    except ValueError:
        pass
    waiting: list[str] = []
    for index in range(at, len(text)):
        if text[index] in _PAIRS:
            waiting.append(_PAIRS[text[index]])
        elif waiting and text[index] == waiting[-1]:
            waiting.pop()
            if not waiting:
                return index + 1
    return 0


def _unquoted(part: str) -> str:
    quoted = len(part) > 1 and part[0] in "'\"" and part[-1] == part[0]
    return part[1:-1] if quoted and part[0] not in part[1:-1] else part


def _words(text: str) -> Iterator[tuple[str, bool]]:
    """(word, whether nothing in it is quoted) of each word of a command line, as a POSIX shell finds them."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        word, plain = "", True
        while at < len(text) and not text[at].isspace():
            piece, at, quoted = _piece(text, at)
            word, plain = word + piece, plain and not quoted
        yield word, plain


def _piece(text: str, at: int) -> tuple[str, int, bool]:
    """(text, index after it, whether it is quoted) of what begins at `at`: a quoted text, JSON, or a character."""
    sign = text[at]
    if sign == "'":
        end = text.find("'", at + 1)
        if end < 0:
            raise NotSplitError("a quote (') does not end")
        return text[at + 1 : end], end + 1, True
    if sign == '"':
        return _double_quoted(text, at + 1)
    if sign == "\\" and at + 1 < len(text):
        return text[at + 1], at + 2, True
    if sign in "{[":
        try:
            end = json.JSONDecoder().raw_decode(text, at)[1]
        except ValueError:
            end = 0
        if end:
            return text[at:end], end, True
    return sign, at + 1, False


def _double_quoted(text: str, at: int) -> tuple[str, int, bool]:
    found = ""
    while at < len(text):
        if text[at] == '"':
            return found, at + 1, True
        if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\", "$", "`"):
            at += 1
        found, at = found + text[at], at + 1
    raise NotSplitError('a quote (") does not end')
