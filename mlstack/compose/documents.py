"""Kubernetes objects read from text: YAML or JSON, several documents in a file, Lists taken apart."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

from mlstack.compose.manifests import Manifest
from mlstack.compose.places import Place, PlacedError
from mlstack.compose.shapes import Steps, shape_problem
from mlstack.compose.yamltext import line_of, load_documents

_BETWEEN = re.compile(r"(?:\s|^---[ \t]*$)*", re.MULTILINE)
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {str: "text", list: "a list", int: "a number", float: "a number", dict: "a map", bool: "true or false"}


def parse_manifests(text: str, place: Place) -> list[Manifest]:
    """The objects in `text`, in order; empty documents are left out and `kind: List` is taken apart.

    Raises PlacedError for broken YAML, duplicate keys and what is no Kubernetes object.
    """
    found: list[Manifest] = []
    for at, (line, document) in enumerate(_documents(text, place)):
        if document is not None:
            found.extend(_objects(document, Place(place.file, line), (), lambda steps, at=at: _line(text, at, steps)))
    return found


def as_manifests(document: Any, place: Place) -> list[Manifest]:
    """The objects that one document holds, a List taken apart. Raises PlacedError for what is none."""
    return list(_objects(document, place, (), lambda steps: None))


def _line(text: str, document: int, steps: Steps) -> int | None:
    """The line of a field, where the text can be read as YAML, which JSON mostly can."""
    return line_of(text, document, steps)


def _documents(text: str, place: Place) -> Iterator[tuple[int, Any]]:
    found = _json_documents(text, place) if text.lstrip()[:1] in ("{", "[") else None
    return load_documents(text, place) if found is None else iter(found)


def _json_documents(text: str, place: Place) -> list[tuple[int, Any]] | None:
    """(line, value) of each JSON document, `---` lines between them or not; None where it is no JSON throughout."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_refused, parse_float=_finite)
    found, at = [], 0
    try:
        while (at := _after(text, at)) < len(text):
            line = (place.line or 1) + text.count("\n", 0, at)
            value, at = decoder.raw_decode(text, at)
            found.append((line, value))
    except (ValueError, RecursionError):
        return None  # YAML's parser reads it, or tells what is wrong and where
    for line, value in found:
        if _LONE_SURROGATE.search(json.dumps(value, ensure_ascii=False)):
            raise PlacedError(Place(place.file, line), "this JSON has half of a surrogate pair, which is no character")
    return found


def _after(text: str, at: int) -> int:
    match = _BETWEEN.match(text, at)
    return match.end() if match else at


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refused(word: str) -> Any:
    raise ValueError(word)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _objects(document: Any, place: Place, above: Steps, line: Any) -> Iterator[Manifest]:
    if not isinstance(document, dict):
        raise PlacedError(place, f"this is {_WORDS.get(type(document), 'a value')}, not a Kubernetes object")
    for field in ("apiVersion", "kind"):
        if not isinstance(document.get(field), str) or not document[field]:
            raise PlacedError(place, f"a Kubernetes object needs {field}")
    if _is_list(document):
        for index, item in enumerate(document["items"]):
            yield from _objects(item, place, (*above, "items", index), line)
        return
    metadata = document.get("metadata")
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str) or not metadata["name"]:
        raise PlacedError(place, f"this {document['kind']} needs a metadata.name")
    _check_shape(document, place, above, line)
    yield document


def _check_shape(document: Manifest, place: Place, above: Steps, line: Any) -> None:
    found = shape_problem(document)
    if found is None:
        return
    steps, wanted = found
    value = _at(document, steps)
    where = Place(place.file, line((*above, *steps)) or place.line)
    got = "" if value is None else f", got {_WORDS.get(type(value), 'a value')}"
    name = f"{document['kind']}/{document['metadata']['name']}"
    raise PlacedError(where, f"{name}: {_path(steps)} must be {wanted}{got}")


def _at(value: Any, steps: Steps) -> Any:
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        else:
            value = value[step] if isinstance(value, list) and isinstance(step, int) else None
    return value


def _path(steps: Steps) -> str:
    text = "".join(f"[{step}]" if isinstance(step, int) or "." in step or "/" in step else f".{step}" for step in steps)
    return text.removeprefix(".")


def _is_list(document: Manifest) -> bool:
    """Lists have no names; a custom kind called SomethingList has."""
    metadata = document.get("metadata")
    nameless = not isinstance(metadata, Mapping) or "name" not in metadata
    return document["kind"].endswith("List") and isinstance(document.get("items"), list) and nameless
