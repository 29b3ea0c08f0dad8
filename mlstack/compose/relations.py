"""Relations between the parameters of a prototype: JSON Schema over all values, with a sentence for people.

Two keywords are our own: `atLeast: [A, B]` (A is not below B, in whatever units; `[A, B, N]`: N times A; an A that is
null, empty or 0 has no bound) and `among: [MAP, LIST]` (each value of the map is an item of the list).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mlstack.compose.formats import FORMATS, expanded, refuse_reference
from mlstack.compose.kubeformats import amount
from mlstack.compose.schemawords import shown
from mlstack.errors import MlstackError

MESSAGE = "message"
_BRANCHES = ("if", "then", "else", "not")
_LISTS = ("allOf", "anyOf", "oneOf")


@dataclass(frozen=True)
class Relation:
    """A rule over several values. `message` is what is wrong where it does not hold: `{NAME}` is a value's place."""

    schema: Mapping[str, Any] = field(hash=False)
    message: str
    names: tuple[str, ...]

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether it does for these values of the parameters that it names."""
        chosen = {name: values[name] for name in self.names if name in values}
        return bool(_validator(json.dumps(self.schema, sort_keys=True)).is_valid(chosen))

    def told(self, values: Mapping[str, Any]) -> str:
        """The message with the values in it."""
        text = self.message
        for name in self.names:
            text = text.replace(f"{{{name}}}", shown(values.get(name)))
        return text


def parse_relations(declared: Any, known: Iterable[str], where: str) -> Iterator[Relation]:
    """The relations that an `allOf` holds. One that names a parameter which a prototype has taken away is left out."""
    there = set(known)
    if not isinstance(declared, Sequence) or isinstance(declared, str):
        raise MlstackError(f"{where}: allOf must be a list of schemas, each with a message.")
    for item in declared:
        if not isinstance(item, Mapping) or not isinstance(item.get(MESSAGE), str):
            raise MlstackError(f"{where}: each item of allOf must be a schema with a message.")
        schema = {key: value for key, value in item.items() if key != MESSAGE}
        names = tuple(dict.fromkeys(_named(schema)))
        if there.issuperset(names):
            yield Relation(schema, item[MESSAGE], names)


def _named(schema: Mapping[str, Any]) -> Iterator[str]:
    """The parameters that a schema of all values is about."""
    yield from schema.get("properties", {})
    yield from schema.get("required", ())
    yield from (name for name in (*schema.get("atLeast", ()), *schema.get("among", ())) if not _is_amount(name))
    for key in _BRANCHES:
        if key in schema:
            yield from _named(schema[key])
    for key in _LISTS:
        for item in schema.get(key, ()):
            yield from _named(item)


def _is_amount(word: Any) -> bool:
    return not isinstance(word, str) or amount(word) is not None


class _AtLeast:
    def __init__(self, _parent: Any, operands: Any, _path: Any) -> None:
        self.operands = operands

    def validate(self, values: Any) -> None:
        most, least, *times = (_number(values.get(word, word)) for word in self.operands)
        if most and least is not None and most * max(1, (times[0] if times else 1) or 1) < least:
            raise ValueError("below")


class _Among:
    def __init__(self, _parent: Any, operands: Any, _path: Any) -> None:
        self.operands = operands

    def validate(self, values: Any) -> None:
        given, known = (values.get(name) for name in self.operands)
        if isinstance(given, Mapping) and any(value not in (known or ()) for value in given.values()):
            raise ValueError("not among")


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or value is None:
        return None
    return amount(str(value))


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    import jsonschema_rs  # 25 ms: only where a value of the relation was given

    return jsonschema_rs.Draft202012Validator(
        expanded(json.loads(schema)),
        formats=dict(FORMATS),
        validate_formats=True,
        keywords={"atLeast": _AtLeast, "among": _Among},
        retriever=refuse_reference,
    )
