"""Typed, documented values: reading them from text, checking them, and saying what they may be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlstack.compose import formats
from mlstack.compose.places import Place, PlacedError
from mlstack.compose.yamltext import load_documents
from mlstack.errors import MlstackError

_WORDS = {
    "string": "text",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a map",
    "null": "null",
}


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
        return ", ".join(part for part in (_described(self.schema), self.unit) if part)

    def read(self, text: str) -> Any:
        """The value that a person's `text` means for the declared type; text stays text for a string.

        Lists are JSON, YAML or separated by commas, maps JSON or YAML; a secret is `generate` or NAME/KEY.
        Raises ParameterError.
        """
        value = self.normal(self._read(text))
        self.check(value)
        return value

    def _read(self, text: str) -> Any:
        word = text.strip()
        if self.format == "secret":
            return _yaml(word) if word.startswith("{") else word
        if self.type == "string":
            return text
        if word == "null" and self.nullable:
            return None
        if self.type == "array" and not word.startswith(("[", "- ")):
            return [self._element._read(part.strip()) for part in word.split(",")] if word else []
        # YAML 1.1 takes yes for true and 010 for 8: a person's may as well be a mistake. JSON does not.
        return _yaml(word) if self.type in ("array", "object") else _json(word)

    @property
    def _element(self) -> Parameter:
        items = self.schema.get("items")
        return Parameter(self.name, items if isinstance(items, Mapping) else {})

    def normal(self, value: Any) -> Any:
        """The form in which templates see `value`: NAME/KEY as {name, key}, a quantity as text."""
        if self.format == "secret" and isinstance(value, str) and value != "generate":
            name, slash, key = value.partition("/")
            return {"name": name, "key": key} if slash else value
        if self.format == "quantity" and isinstance(value, int | float) and not isinstance(value, bool):
            return str(value)
        if self.type == "integer" and isinstance(value, float) and value.is_integer():
            return int(value)
        return value

    def check(self, value: Any, place: Place | None = None) -> None:
        """Raises ParameterError for a wrong value: parameter, value, what is allowed, `place`."""
        problem = self.problem(value)
        if problem is None:
            return
        path, detail = problem
        where = f"{place}: " if place else ""
        inside = f" ({'.'.join(path)}{': ' if path else ''}{detail})" if path or _needs_detail(self.schema) else ""
        # A person may have put the secret itself here: it must not reach a terminal or a log.
        if self.format == "secret" or self.schema.get("writeOnly"):
            raise ParameterError(f"{where}{self.name} cannot be what it is given: it takes {self.allowed}.")
        raise ParameterError(f"{where}{self.name} cannot be {_shown(value)}: it takes {self.allowed}{inside}.")

    def problem(self, value: Any) -> tuple[list[str], str] | None:
        """(path inside the value, what is wrong there), or None where `value` is right.

        Raises MlstackError where the prototype's schema itself is broken.
        """
        try:
            return formats.problem(self.schema, value)
        except ValueError as error:
            reason = str(error).splitlines()[0]
            raise MlstackError(f"The prototype's schema of {self.name} is broken: {reason}.") from error


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


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _needs_detail(schema: Mapping[str, Any]) -> bool:
    return not (set(schema) <= formats.PLAIN_KEYWORDS)


def _described(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return "one of " + ", ".join(_shown(value).strip('"') for value in schema["enum"])
    if schema.get("format") in formats.DESCRIBED:
        return formats.DESCRIBED[schema["format"]]
    return " ".join(part for part in (_type_words(schema), _limits(schema)) if part)


def _type_words(schema: Mapping[str, Any]) -> str:
    declared = schema.get("type", "string")
    names = [declared] if isinstance(declared, str) else list(declared)
    words = " or ".join(_WORDS.get(name, name) for name in names if name != "null")
    items = schema.get("items")
    return f"{words}, each {_described(items)}" if "array" in names and isinstance(items, Mapping) else words


_LIMITS = {
    "minimum": ">= {}",
    "exclusiveMinimum": "> {}",
    "maximum": "<= {}",
    "exclusiveMaximum": "< {}",
    "multipleOf": "in steps of {}",
    "pattern": "that matches {}",
    "minLength": "of at least {} characters",
    "maxLength": "of at most {} characters",
    "minItems": "of at least {} items",
    "maxItems": "of at most {} items",
}


def _limits(schema: Mapping[str, Any]) -> str:
    return " and ".join(words.format(schema[name]) for name, words in _LIMITS.items() if name in schema)
