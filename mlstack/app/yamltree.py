"""YAML text of a user's file as a tree of plain values that know where they stand.

YAML 1.2's core schema only (decisions.md 1): `yes`, `1_000`, `12:30` and `2001-01-01` are strings, `007` is 7.
libyaml finds the scalars and `yamlscalars` says what they mean: that takes a fifth of the time of ruamel.yaml, with
which the tests compare it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from mlstack.app.yamlscalars import read_scalar
from mlstack.errors import MlstackError

PLAIN = "!plain"  # the tag of scalars without quotes and without a tag of their own
TAG = "tag:yaml.org,2002:"
EXPLICIT = frozenset(TAG + name for name in ("null", "bool", "int", "float"))


class _Loader(yaml.CSafeLoader):
    """Composes nodes only; what a plain scalar means is not YAML 1.1's business."""


_Loader.yaml_implicit_resolvers = {None: [(PLAIN, re.compile("", re.DOTALL))]}


@dataclass(frozen=True)
class Span:
    """A stretch of the text, by character index; `line` and `column` of its start count from 0."""

    start: int
    end: int
    line: int
    column: int


@dataclass(frozen=True)
class Leaf:
    """A scalar. `style` is its quote or block sign, empty for a plain one."""

    value: Any
    span: Span
    style: str


@dataclass(frozen=True)
class Branch:
    """A mapping or a list. `entries` pairs each key (a list's index) with the key's span and the value's node."""

    value: dict[str, Any] | list[Any]
    span: Span
    flow: bool
    entries: dict[str | int, tuple[Span, Node]] = field(default_factory=dict)


Node = Leaf | Branch


def parse(text: str, file: str) -> Node | None:
    """The tree of the one document in `text`; None if it holds nothing but comments.

    Raises MlstackError with `file` and line: syntax, tabs, duplicate keys, tags, several documents.
    """
    try:
        root = _compose(text)
        return None if root is None else _Reader(file).node(root)
    except yaml.MarkedYAMLError as error:
        raise _refusal(error, text, file) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise MlstackError(f"{file}:{line}: a control character stands where YAML allows none.") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise MlstackError(f"{file}: not readable as YAML: {str(error).splitlines()[0]}.") from None


def _compose(text: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _refusal(error: yaml.MarkedYAMLError, text: str, file: str) -> MlstackError:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    lines = text.splitlines()
    around = lines[line - 1] if line <= len(lines) else ""
    if "'\\t'" in str(error.problem) or "\t" in around[: len(around) - len(around.lstrip())]:
        return MlstackError(f"{file}:{line}: a tab stands where YAML wants spaces.")
    started = error.context_mark
    since = f" (it began in line {started.line + 1})" if started and started.line + 1 != line else ""
    return MlstackError(f"{file}:{line}: this is not valid YAML: {error.problem}{since}.")


class _Reader:
    """Turns libyaml's nodes into ours, each anchored one once."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.known: dict[int, Node | None] = {}

    def node(self, source: Any) -> Node:
        if id(source) in self.known:
            known = self.known[id(source)]
            if known is None:
                raise self.error(source, "an anchor holds itself.")
            return known
        self.known[id(source)] = None
        made = self.known[id(source)] = self.make(source)
        return made

    def make(self, source: Any) -> Node:
        if isinstance(source, ScalarNode):
            return Leaf(self.scalar(source), _span(source), source.style or "")
        if source.tag not in (TAG + "seq", TAG + "map"):
            raise self.unknown_tag(source)
        return self.sequence(source) if isinstance(source, SequenceNode) else self.mapping(source)

    def scalar(self, source: ScalarNode) -> Any:
        tag = str(source.tag)
        if tag == TAG + "str":
            return source.value
        if tag != PLAIN and tag not in EXPLICIT:
            raise self.unknown_tag(source)
        return read_scalar(source.value)

    def sequence(self, source: SequenceNode) -> Branch:
        items = [(_span(child), self.node(child)) for child in source.value]
        values = [node.value for _, node in items]
        return Branch(values, _span(source), bool(source.flow_style), dict(enumerate(items)))

    def mapping(self, source: MappingNode) -> Branch:
        entries: dict[str | int, tuple[Span, Node]] = {}
        merged: dict[str, Any] = {}
        for key, below in source.value:
            if key.tag == PLAIN and key.value == "<<":
                merged |= self.merge(below)
                continue
            name = self.key(key)
            if name in entries:
                first = entries[name][0].line + 1
                raise self.error(key, f"{name} stands twice in one mapping (first in line {first}).")
            entries[name] = (_span(key), self.node(below))
        values = {str(name): node.value for name, (_, node) in entries.items()}
        return Branch(merged | values, _span(source), bool(source.flow_style), entries)

    def key(self, source: Any) -> str:
        name = self.scalar(source) if isinstance(source, ScalarNode) else None
        if not isinstance(name, str):
            raise self.error(source, "a key must be text; put it in quotes.")
        return name

    def merge(self, source: Any) -> dict[str, Any]:
        parts = source.value if isinstance(source, SequenceNode) else [source]
        merged: dict[str, Any] = {}
        for part in reversed(parts):  # the first of several wins
            value = self.node(part).value
            if not isinstance(value, dict):
                raise self.error(part, "<< takes a mapping.")
            merged |= value
        return merged

    def unknown_tag(self, source: Any) -> MlstackError:
        return self.error(source, f"the tag {source.tag} is not known here; write the plain value.")

    def error(self, source: Any, sentence: str) -> MlstackError:
        return MlstackError(f"{self.file}:{source.start_mark.line + 1}: {sentence}")


def _span(source: Any) -> Span:
    start, end = source.start_mark, source.end_mark
    return Span(start.index, end.index, start.line, start.column)
