"""Reading YAML text by PyYAML's C parser into what JSON can hold, the way kubectl reads it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import yaml

from mlstack.compose.places import Place, PlacedError

_DEEPEST = 100
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"


class _Loader(yaml.CSafeLoader):
    """Dates, `=` and 12:30 are text, 1e3 and 0o17 numbers, as for kubectl."""


# Resolvers are class data: without a copy, these changes would reach every user of PyYAML.
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in found if tag.rpartition(":")[2] in ("bool", "null", "merge")]
    for first, found in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"[-+]?(0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|0|[1-9][0-9_]*)$"),
    list("-+0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?([0-9][0-9_]*\.[0-9_]*|\.[0-9][0-9_]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$"),
    list("-+0123456789."),
)


def _bool(text: str) -> bool:
    word = text.lower()
    if word not in ("yes", "true", "on", "no", "false", "off"):
        raise ValueError(f"{text} is neither true nor false")
    return word in ("yes", "true", "on")


def _int(text: str) -> int:
    digits = text.replace("_", "").lower()
    # A leading 0 means octal, as in 0644: the modes of files.
    old_octal = re.fullmatch(r"[-+]?0[0-7]+", digits) is not None
    return int(digits, 8 if old_octal else 0)


def _float(text: str) -> float:
    number = float(text.replace("_", ""))
    if not math.isfinite(number):
        raise ValueError(f"{text} is no number that Kubernetes takes")
    return number


_SCALARS: Mapping[str, Callable[[str], Any]] = {
    f"{_TAG}str": str,
    f"{_TAG}int": _int,
    f"{_TAG}float": _float,
    f"{_TAG}bool": _bool,
    f"{_TAG}null": lambda text: None,
    _MERGE: str,
}


def load_documents(text: str, place: Place) -> Iterator[tuple[int, Any]]:
    """(first line, value) of each document in `text`; lines count on from `place`'s.

    Raises PlacedError for broken YAML, duplicate keys, and what JSON cannot hold.
    """
    first = place.line or 1
    try:
        loader = _Loader(text)
        while loader.check_node():
            node = loader.get_node()
            assert node is not None  # check_node says so
            line = first + node.start_mark.line
            yield line, _value(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(place.file, first + mark.line) if mark else place
        raise PlacedError(where, f"broken YAML: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise PlacedError(place, f"broken YAML: {str(error).splitlines()[0]}") from error


def line_of(text: str, document: int, steps: Sequence[str | int]) -> int | None:
    """The line of a field in one of the documents of `text`, the nearest parent's where it is not said."""
    try:
        node = next(islice(yaml.compose_all(text, Loader=_Loader), document, None), None)
    except yaml.YAMLError:
        return None
    line = None
    for step in steps:
        found = _child(node, step)
        if found is None:
            break
        line, node = found
    return line


def _child(node: yaml.Node | None, step: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark.line + 1, node.value[step]
    if isinstance(node, yaml.MappingNode):
        pairs = (pair for pair in node.value if isinstance(pair[0], yaml.ScalarNode) and pair[0].value == step)
        key, value = next(pairs, (None, None))
        if key is not None and value is not None:
            return key.start_mark.line + 1, value
    return None


def _value(node: yaml.Node, depth: int = 0) -> Any:
    """What a node means. Nodes shared by YAML's aliases become copies, so that changing one changes no other."""
    if depth > _DEEPEST:
        raise _refused(node, f"nested more than {_DEEPEST} deep")
    if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS:
        return _scalar(node)
    if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
        return _map(node, depth)
    if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
        return [_value(item, depth + 1) for item in node.value]
    raise _refused(node, f"{node.tag.replace(_TAG, '!!')} is nothing that Kubernetes takes")


def _scalar(node: yaml.ScalarNode) -> Any:
    try:
        return _SCALARS[node.tag](node.value)
    except ValueError as error:
        raise _refused(node, str(error)) from error


def _map(node: yaml.MappingNode, depth: int) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        if key_node.tag == _MERGE:
            merged = {**_merged(value_node, depth + 1), **merged}
            continue
        if key_node.tag != f"{_TAG}str":
            raise _refused(key_node, "a key of a map is no text: quote it")
        if key_node.value in found:
            raise _refused(key_node, f"the key {key_node.value} stands twice in the same map")
        found[key_node.value] = _value(value_node, depth + 1)
    return {**merged, **found} if merged else found


def _merged(node: yaml.Node, depth: int) -> dict[str, Any]:
    """What `<<: *alias` or `<<: [*one, *two]` brings, the first before the others."""
    merged: dict[str, Any] = {}
    for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
        if not isinstance(source, yaml.MappingNode):
            raise _refused(source, "<< takes a map or a list of maps")
        merged = {**_value(source, depth), **merged}
    return merged


def _refused(node: yaml.Node, problem: str) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)
