"""Typed, documented values: reading them from text, checking them, and saying what they may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.compose import formats
from mlstack.compose.places import Place, PlacedError
from mlstack.compose.schemawords import described, shown
from mlstack.compose.wordlists import NotSplitError, comma_list, command_line
from mlstack.compose.yamltext import load_documents
from mlstack.errors import MlstackError

QUANTITIES = frozenset({"quantity", "bytes", "storage", "cpu", "hub-bytes"})
UNITS_TOLD = ("bytes", "CPU cores")  # by the formats' own words


class ParameterError(MlstackError):
    """A value that a parameter does not take."""


@dataclass(frozen=True)
class Parameter:
    """A declared value. `schema` is JSON Schema with formats of ours (formats.DESCRIBED)."""

    name: str
    schema: Mapping[str, Any] = field(hash=False)
    default: Any = field(default=None, hash=False)
    unit: str = ""
    help: str = ""
    required: bool = False
    examples: tuple[Any, ...] = field(default=(), hash=False)

    @property
    def type(self) -> str:
        """The declared type (JSON Schema's words), "null" apart; "string" where none is declared."""
        declared = self.schema.get("type", "string")
        names = [declared] if isinstance(declared, str) else [name for name in declared if name != "null"]
        return str(names[0]) if names else "null"

    @property
    def format(self) -> str:
        """`quantity`, `image`, `secret`, `path` or another format; "" where none is declared."""
        return str(self.schema.get("format", ""))

    @property
    def nullable(self) -> bool:
        """Whether null is one of the declared types."""
        return "null" in self.schema.get("type", "string")

    @property
    def allowed(self) -> str:
        """What it takes, in words: "an integer >= 0, GPUs per worker"."""
        unit = "" if self.unit in UNITS_TOLD and self.format in QUANTITIES else self.unit
        return ", ".join(part for part in (described(self.schema), unit) if part)

    @property
    def _wanted(self) -> str:
        words = described(self.schema)
        return f"{words} ({self.unit})" if self.unit and self.format not in QUANTITIES else words

    def read(self, text: str) -> Any:
        """The value that a person's `text` means for the declared type; text stays text for a string.

        Lists are JSON, YAML, separated by commas or, of format `command-line`, by spaces as in a shell; maps are JSON
        or YAML; a secret is `generate` or NAME/KEY; `null` is null where the type allows it.
        Raises ParameterError.
        """
        value = self.normal(self._read(text))
        self.check(value)
        return value

    def _read(self, text: str) -> Any:
        word = text.strip()
        if word == "null" and self.nullable:
            return None
        if self.format == "secret":
            return _yaml(word) if word.startswith("{") else word
        if self.type == "string":
            return text
        if self.type == "array":
            return self._list(word)
        # YAML 1.1 takes yes for true and 010 for 8: a person's may as well be a mistake. JSON does not.
        return _yaml(word) if self.type == "object" else _json(word)

    def _list(self, word: str) -> Any:
        if word == "null":
            return word
        if word.startswith(("[", "- ")) and isinstance(found := _yaml(word), list):
            return found
        element = self._element
        if element.type in ("object", "array") and word:
            return word
        try:
            parts = (command_line if self.format == "command-line" else comma_list)(word) if word else []
        except NotSplitError as error:
            raise ParameterError(f"{self.name} must be {self._wanted}, got {shown(word)}: {error}.") from None
        return [element._read(part) for part in parts]

    @property
    def _element(self) -> Parameter:
        items = self.schema.get("items")
        return Parameter(self.name, items if isinstance(items, Mapping) else {})

    def normal(self, value: Any) -> Any:
        """The form in which templates see `value`: NAME/KEY as {name, key}, a number as text where text is wanted."""
        if self.format == "secret" and isinstance(value, str) and value != "generate":
            name, slash, key = value.partition("/")
            return {"name": name, "key": key} if slash else value
        if self.format in QUANTITIES and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if self.type == "integer" and isinstance(value, float) and value.is_integer():
            return int(value)
        if isinstance(value, Mapping):
            inside = self.schema.get("additionalProperties")
            return {key: _as_text(inside, item) for key, item in value.items()}
        if isinstance(value, list):
            return [_as_text(self.schema.get("items"), item) for item in value]
        return _as_text(self.schema, value)

    def check(self, value: Any, place: Place | None = None) -> None:
        """Raises ParameterError for a wrong value: parameter, what it must be, the value, `place`."""
        problem = self.problem(value)
        if problem is None:
            return
        where = f"{place}: " if place else ""
        name = ".".join((self.name, *problem.path))
        # A person may have put the secret itself here: it must not reach a terminal or a log.
        if self.format == "secret" or self.schema.get("writeOnly"):
            raise ParameterError(f"{where}{self.name} must be {self.allowed}; the value that it has is not shown.")
        words = problem.words or f"must be {self._wanted}, got {shown(value)}"
        raise ParameterError(f"{where}{name} {words}.")

    def problem(self, value: Any) -> formats.Wrong | None:
        """What is wrong inside the value and where, or None where `value` is right.

        Raises MlstackError where the prototype's schema itself is broken.
        """
        try:
            return formats.problem(self.schema, value)
        except ValueError as error:
            reason = str(error).splitlines()[0]
            raise MlstackError(f"The prototype's schema of {self.name} is broken: {reason}.") from error


def _as_text(schema: Any, value: Any) -> Any:
    """An integer or a boolean as text where a schema takes text only.

    Other numbers stay: 1.10 in a file has become 1.1 already, and is refused instead.
    """
    if not isinstance(value, int) or not isinstance(schema, Mapping) or schema.get("type", "string") != "string":
        return value
    if "enum" in schema or "type" not in schema:
        return value
    return json.dumps(value)


def _yaml(text: str) -> Any:
    try:
        values = [value for _, value in load_documents(text, Place("value"))]
    except PlacedError:
        return text
    return values[0] if len(values) == 1 else text


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text
