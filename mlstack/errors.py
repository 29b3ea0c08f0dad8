"""The errors a user can meet: each one a sentence, a hint what to do next, and an exit code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

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


class UnexpectedError(MlstackError):
    """A bug on a background thread, carried to whoever listens to that thread. Its cause is the bug itself, which the
    command line shows with its traceback."""


@contextmanager
def wrap_unexpected(activity: str) -> Iterator[None]:
    """Turn what is no MlstackError into an UnexpectedError: the boundary of every background thread.

    A thread that ended with any other exception would leave its listeners waiting. Raises MlstackError, and
    BrokenPipeError as it is.
    """
    try:
        yield
    except (MlstackError, BrokenPipeError):  # the latter: the reader of our output left
        raise
    except Exception as error:
        raise UnexpectedError(
            f"Unexpected error while {activity}: {type(error).__name__}: {error}.",
            "This is a bug of mlstack: please report it with what --debug prints.",
        ) from error


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A sentence that offers the nearest known name, or lists those that there are if they are few; else empty."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    return f"There are: {', '.join(names)}." if 0 < len(names) <= FEW else ""
