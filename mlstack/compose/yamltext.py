"""Reading YAML text by PyYAML's C loader into what JSON can hold, the way kubectl reads it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any

import yaml

from mlstack.compose.places import Place, PlacedError

_DEEPEST = 100


class _Loader(yaml.CSafeLoader):
    """Refuses duplicate keys; dates, `=` and 12:30 are text, 1e3 and 0o17 numbers, as for kubectl."""


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


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Iterator[dict[Any, Any]]:
    _refuse_duplicates(loader, node)
    data: dict[Any, Any] = {}
    yield data
    loader.flatten_mapping(node)
    data.update(loader.construct_mapping(node))


def _refuse_duplicates(loader: _Loader, node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for key_node, _ in node.value:
        if key_node.tag == "tag:yaml.org,2002:merge":
            continue
        key = loader.construct_object(key_node, deep=True) if isinstance(key_node, yaml.ScalarNode) else None
        if not isinstance(key, str):
            raise _refused(f"the key {key_node.value!r} of a map is no text: quote it", key_node)
        if key in seen:
            raise _refused(f"the key {key} stands twice in the same map", key_node)
        seen.add(key)


def _int(loader: _Loader, node: yaml.ScalarNode) -> int:
    octal = "0o" in node.value
    return int(node.value.replace("_", ""), 8) if octal else int(loader.construct_yaml_int(node))


def _text(_loader: _Loader, node: yaml.ScalarNode) -> str:
    return str(node.value)


def _refused(problem: str, node: yaml.Node) -> yaml.constructor.ConstructorError:
    return yaml.constructor.ConstructorError(None, None, problem, node.start_mark)


_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)
_Loader.add_constructor("tag:yaml.org,2002:int", _int)
_Loader.add_constructor("tag:yaml.org,2002:merge", _text)


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
            yield line, _json_tree(loader.construct_document(node), Place(place.file, line))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = Place(place.file, first + mark.line) if mark else place
        raise PlacedError(where, f"broken YAML: {error.problem or error.context}") from error
    except (yaml.YAMLError, ValueError) as error:
        raise PlacedError(place, f"broken YAML: {str(error).splitlines()[0]}") from error


def _json_tree(value: Any, place: Place, depth: int = 0) -> Any:
    """A copy without shared parts (YAML aliases), refusing what JSON cannot hold."""
    if depth > _DEEPEST:
        raise PlacedError(place, f"nested more than {_DEEPEST} deep")
    if isinstance(value, dict):
        return {key: _json_tree(item, place, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_tree(item, place, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise PlacedError(place, f"{value} is no number that Kubernetes takes")
    if value is None or isinstance(value, str | int | float):
        return value
    raise PlacedError(place, f"{type(value).__name__} is nothing that Kubernetes takes")
