"""The errors a user can meet: each one a sentence, a hint what to do next, and an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

FEW = 12  # names that can be listed in one sentence


class MlstackError(Exception):
    """An expected failure. `message` says what is wrong and where, `hint` what to do about it.

    `brief` is what is left to say of it to who has followed the events of the action, "" where that is all.

    Caught in exactly one place, in `mlstack.cli`; anything else that escapes is a bug and keeps its traceback.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.brief = ""

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class NotReadyError(MlstackError):
    """Something did not become ready in time."""

    exit_code = 3


class WorkloadFailedError(MlstackError):
    """A run ended with a failure."""

    exit_code = 4


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known name, or lists those that there are if they are few; else empty."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"There are: {', '.join(names)}." if 0 < len(names) <= FEW else ""
