"""Where a value stands: a file of the app and a line."""

from __future__ import annotations

from dataclasses import dataclass

from mlstack.errors import MlstackError


@dataclass(frozen=True)
class Place:
    """A file, relative to the app's root (or words such as "--set"), and a line that counts from 1."""

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class PlacedError(MlstackError):
    """What is wrong (`problem`, a sentence without its full stop) at a place."""

    def __init__(self, place: Place, problem: str, hint: str = "") -> None:
        super().__init__(f"{place}: {problem}.", hint)
        self.place = place
        self.problem = problem
